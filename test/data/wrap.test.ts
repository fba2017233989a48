import { describe, expect, expectTypeOf, it } from "vitest";
import { CacheUnavailable, DefinitionError } from "../../src/entries/data.ts";
import { createDataIsolate } from "../support/data-isolate.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const POLICY = { freshFor: "5m", tags: ["products"] } as const;

function createIsolate() {
  return createDataIsolate({ namespace: uniqueNamespace(), store: "the log of the data centre" });
}

/** Wraps a function that returns its arguments and the number of its calls. */
function createEcho(options: { readonly version?: string } = {}) {
  const { strata } = createIsolate();
  let calls = 0;
  const echo = strata.wrap(async (...args: readonly unknown[]) => ({ args, call: ++calls }), {
    name: "echo",
    policy: POLICY,
    ...options,
  });
  return { strata, echo };
}

describe("strata.wrap", () => {
  it("a wrapped function has the arguments and the result of the function", async () => {
    const { strata } = createIsolate();
    const nameOf = strata.wrap(async (id: number, lang?: string) => `${lang ?? "en"} ${id}`, {
      name: "name",
      policy: POLICY,
    });
    expectTypeOf(nameOf).parameters.toEqualTypeOf<[id: number, lang?: string | undefined]>();
    expectTypeOf(nameOf).returns.toEqualTypeOf<Promise<string>>();
    expect(await nameOf(1)).toBe("en 1");
    expect(await nameOf(1, "de")).toBe("de 1");
  });

  it("a wrapped function is called once for equal arguments, in whatever order members stand", async () => {
    const { echo } = createEcho();
    expect((await echo({ a: 1, b: [2] }, "x")).call).toBe(1);
    expect((await echo({ b: [2], a: 1 }, "x")).call).toBe(1);
    expect((await echo({ a: 1, b: [2], c: undefined }, "x", undefined)).call).toBe(1);
    expect((await echo({ a: 1, b: [3] }, "x")).call).toBe(2);
  });

  it("the load of a wrapped function sees the arguments of its call, also if the caller changes an object meanwhile", async () => {
    const { echo } = createEcho();
    const query = { page: 1 };
    const first = echo(query);
    query.page = 2;
    expect((await first).args).toEqual([{ page: 1 }]);
    expect(await echo({ page: 1 })).toEqual({ args: [{ page: 1 }], call: 1 });
  });

  it("different arguments have different keys", () => {
    const { echo } = createEcho();
    const calls: readonly (readonly unknown[])[] = [
      [],
      [""],
      ["1"],
      [1],
      [1n],
      ["1n"],
      [1, 2],
      ["1,2"],
      [[1, 2]],
      [undefined, 1],
      [null],
      ["null"],
      ["undefined", 1],
      [true],
      ["true"],
      [{}],
      ["{}"],
      [new Date(0)],
      ["date(1970-01-01T00:00:00.000Z)"],
      ["1970-01-01T00:00:00.000Z"],
      ["a", "b"],
      ["a:b"],
      ["a%3Ab"],
      [{ a: "b" }],
      [{ a: ["b"] }],
    ];
    const keys = calls.map((args) => echo.key(...args));
    expect(new Set(keys).size).toBe(calls.length);
  });

  it("the key of a name and a number is readable, and can be purged by its prefix", async () => {
    const { strata, echo } = createEcho();
    expect([echo.key("ada", 42), echo.key()]).toEqual(["echo:ada:42", "echo:"]);
    expect((await echo("ada", 42)).call).toBe(1);
    await strata.open().purge({ prefixes: ["echo:ada:"] });
    expect((await echo("ada", 42)).call).toBe(2);
  });

  it.each([
    ["a function", () => undefined, /argument 2\.by: must be JSON, and is a function/],
    ["a Map", new Map(), /argument 2\.by: must be JSON, and is a Map/],
    ["a symbol", Symbol("x"), /argument 2\.by: must be JSON, and is a symbol/],
    ["NaN", Number.NaN, /argument 2\.by: must be a finite number/],
    ["an invalid date", new Date(Number.NaN), /argument 2\.by: must be JSON, and is a Date/],
    [
      "an instance of a class",
      new URL("https://a.test"),
      /argument 2\.by: must be JSON, and is a URL/,
    ],
  ])("a wrapped function refuses %s and names the argument", async (_, value, message) => {
    const { echo } = createEcho();
    await expect(echo("ada", { by: value })).rejects.toThrow(message);
    expect(() => echo.key("ada", { by: value })).toThrow(DefinitionError);
  });

  it("a wrapped function refuses circular arguments, and arguments that are too long for a key", () => {
    const { echo } = createEcho();
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(() => echo.key(circle)).toThrow(/nested at most/);
    expect(() => echo.key("x".repeat(600))).toThrow(/at most 512 characters/);
  });

  it("a wrapped function returns null and undefined as the function did, also from the cache", async () => {
    const { strata } = createIsolate();
    let calls = 0;
    const find = strata.wrap(
      async (found: string): Promise<string | null | undefined> => {
        calls++;
        return found === "null" ? null : undefined;
      },
      { name: "find", policy: POLICY },
    );
    expect([await find("null"), await find("null")]).toEqual([null, null]);
    expect([await find("none"), await find("none")]).toEqual([undefined, undefined]);
    expect(calls).toBe(2);
  });

  it("a wrapped function keeps its result until its arguments, or one of its tags, are invalidated", async () => {
    const { strata } = createIsolate();
    let calls = 0;
    const count = strata.wrap(async (_id: number) => ++calls, {
      name: "count",
      policy: POLICY,
      tags: (id) => [`count-${id}`],
    });
    expect([await count(1), await count(1), await count(2)]).toEqual([1, 1, 2]);
    await count.invalidate(1);
    expect([await count(1), await count(2)]).toEqual([3, 2]);
    await strata.open().invalidateTags("count-2");
    expect([await count(1), await count(2)]).toEqual([3, 4]);
    await strata.open().invalidateTags("products");
    expect([await count(1), await count(2)]).toEqual([5, 6]);
  });

  it("the method refresh of a wrapped function calls it although the cache has a result", async () => {
    const { strata } = createIsolate();
    let calls = 0;
    const count = strata.wrap(async () => ++calls, { name: "count", policy: POLICY });
    expect(await count()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await count.refresh()).toBe(2);
    expect(await count()).toBe(2);
  });

  it("a wrapped function with another version starts without results, and takes a key of its own", async () => {
    const { echo } = createEcho({ version: "v2" });
    expect(echo.key(1)).toBe("echo.v2:1");
    const { strata } = createIsolate();
    const keyed = strata.wrap(async (user: { id: number }) => user.id, {
      key: ({ id }) => `user:${id}`,
      policy: POLICY,
    });
    expect([keyed.key({ id: 7 }), await keyed({ id: 7 })]).toEqual(["user:7", 7]);
  });

  it("a wrapped function without a name and a key, or with a wrong name, is an error when it is made", () => {
    const { strata } = createIsolate();
    const make = (options: object) => () =>
      strata.wrap(async () => 1, { policy: POLICY, ...options });
    expect(make({})).toThrow(/name: wrap needs a name, or a key/);
    expect(make({ name: "No Kind" })).toThrow(DefinitionError);
    expect(make({ name: "a", version: "1.0" })).toThrow(/version/);
  });

  it("a wrapped function that throws rejects as a load does, and keeps nothing", async () => {
    const { strata } = createIsolate();
    const failing = strata.wrap(
      async () => {
        throw new Error("down");
      },
      { name: "failing", policy: POLICY },
    );
    await expect(failing()).rejects.toThrow(CacheUnavailable);
  });

  it("a wrapped function that calls another one takes over its tags", async () => {
    const { strata } = createIsolate();
    let base = 1;
    const inner = strata.wrap(async () => base, { name: "inner", policy: POLICY, tags: ["base"] });
    const outer = strata.wrap(async () => (await inner()) * 10, {
      name: "outer",
      policy: { freshFor: "5m" },
    });
    expect(await outer()).toBe(10);
    base = 2;
    await strata.open().invalidateTags("base");
    expect(await outer()).toBe(20);
  });
});
