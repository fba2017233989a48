import { Hono } from "hono";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStrata, DefinitionError, definePolicy, key } from "../../src/entries/data.ts";
import { middleware, respond, type StrataEnv } from "../../src/entries/hono.ts";
import { defineSerializer, richSerializer, type Serializer } from "../../src/entries/serializer.ts";
import { JSON_SERIALIZER } from "../../src/core/serializer.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "5m" });
const ITEM = key("item", 1);

const JSON_FORMAT = {
  serialize: (value: unknown) => JSON.stringify(value),
  deserialize: (text: string): unknown => JSON.parse(text),
};
const other = defineSerializer({ name: "other", ...JSON_FORMAT });

/** Every kind of value that the rich serializer holds, nested. */
const { value: ANY_VALUE } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.double(),
      fc.constantFrom(null, undefined, true, false, -0),
      fc.bigInt(),
      fc.date({ noInvalidDate: false }),
      fc.uint8Array(),
    ),
    fc.array(tie("value")),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("$", "v", "__proto__")), tie("value"), {
      noNullPrototype: true,
    }),
    fc.array(fc.tuple(tie("value"), tie("value"))).map((pairs) => new Map(pairs)),
    fc.array(tie("value")).map((parts) => new Set(parts)),
  ),
}));

/** Opens an isolate of the data centre. Its deferred work can be awaited. */
function openIsolate(namespace: string, serializer?: Serializer) {
  const deferred: Promise<unknown>[] = [];
  const strata = createStrata({ namespace, ...(serializer && { serializer }) });
  const cache = strata.open({ waitUntil: (work) => void deferred.push(work) });
  return {
    async read(value: unknown) {
      const found = await cache.read(ITEM, POLICY, async () => value);
      for (let at = 0; at < deferred.length; at++) await deferred[at];
      return { status: found.status, value: found.value };
    },
  };
}

describe("richSerializer", () => {
  it("every value of plain objects, arrays, dates, maps, sets, bytes, BigInts and undefined equals its round trip", () => {
    fc.assert(
      fc.property(ANY_VALUE, (value) => {
        const text = richSerializer.write(value, "item:1");
        expect(richSerializer.read(text)).toStrictEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  it.each<[string, unknown, string]>([
    ["a function", { run: () => 1 }, "it.run is a function"],
    ["a class instance", [new URL("https://a.test")], "it.0 is a URL"],
    ["a promise", { user: Promise.resolve(1) }, "it.user is a Promise"],
    ["a cycle", cyclic, "it.self refers back"],
  ])(
    "richSerializer refuses %s with an error that names the key and the part",
    (_, value, part) => {
      const serialize = () => richSerializer.write(value, "item:1");
      expect(serialize).toThrow(DefinitionError);
      expect(serialize).toThrow(new RegExp(`item:1 cannot be stored: ${part}`));
    },
  );

  it("an object that a value holds twice, without a cycle, is stored twice", () => {
    const day = { at: new Date(0) };
    const value = { first: day, last: day };
    expect(richSerializer.read(richSerializer.write(value, "a:1"))).toEqual(value);
  });
});

describe("the option serializer of createStrata", () => {
  it("a value with dates, maps and BigInts that one isolate stored is a hit with the same value in another isolate", async () => {
    const namespace = uniqueNamespace();
    const value = { at: new Date(5), rows: new Map([[1n, new Set([Uint8Array.of(1, 2)])]]) };
    expect((await openIsolate(namespace, richSerializer).read(value)).value).toStrictEqual(value);
    const found = await openIsolate(namespace, richSerializer).read("not loaded");
    expect(found.status).toBe("hit-edge");
    expect(found.value).toStrictEqual(value);
  });

  it.each<[string, Serializer | undefined, Serializer | undefined]>([
    ["JSON", undefined, richSerializer],
    ["the rich serializer", richSerializer, undefined],
    ["a serializer of another name", other, richSerializer],
  ])(
    "a value that %s wrote is a miss for an isolate with another serializer",
    async (_, writer, reader) => {
      const namespace = uniqueNamespace();
      await openIsolate(namespace, writer).read("first");
      expect(await openIsolate(namespace, writer).read("second")).toMatchObject({
        status: "hit-edge",
        value: "first",
      });
      expect(await openIsolate(namespace, reader).read("third")).toMatchObject({
        status: "miss",
        value: "third",
      });
    },
  );

  it("a JSON text that begins with an exclamation mark inside its quotes stays a hit of the JSON serializer", async () => {
    const isolate = openIsolate(uniqueNamespace());
    await isolate.read("!rich1\n1");
    expect(await isolate.read("second")).toEqual({ status: "hit-memory", value: "!rich1\n1" });
  });

  it("defineSerializer refuses a name that could not be told from the text behind it", () => {
    const define = () => defineSerializer({ name: "a\nb", ...JSON_FORMAT });
    expect(define).toThrow(DefinitionError);
    expect(define).toThrow(/its name must be/);
  });

  it("respond() sends the same JSON for a value that may not be stored as for a stored one, and refuses a value that JSON would lose", async () => {
    async function textOf(
      value: unknown,
      stores: boolean,
      serializer: Serializer,
    ): Promise<string> {
      const strata = createStrata({ namespace: uniqueNamespace(), serializer });
      const app = new Hono<StrataEnv>();
      app.use(middleware(strata, app));
      app.onError((error) => new Response(error.name, { status: 500 }));
      app.get("/item", async (c) =>
        respond(
          c,
          await c.var.strata.cache.read(ITEM, POLICY, async (load) => {
            if (!stores) load.noStore();
            return value;
          }),
        ),
      );
      const execution = { waitUntil: () => undefined, passThroughOnException: () => undefined };
      const answer = await app.fetch(
        new Request("https://shop.test/item"),
        {},
        execution as unknown as ExecutionContext,
      );
      return answer.text();
    }
    const at = { at: new Date(5) };
    const text = '{"at":"1970-01-01T00:00:00.005Z"}';
    expect(await textOf(at, true, richSerializer)).toBe(text);
    expect(await textOf(at, false, richSerializer)).toBe(text);
    expect(await textOf(at, false, JSON_SERIALIZER)).toBe(text);
    const map = new Map([["a", 1]]);
    expect(await textOf(map, true, richSerializer)).toBe("DefinitionError");
    expect(await textOf(map, false, richSerializer)).toBe("DefinitionError");
  });

  it("respond() sends JSON with the same ETag for a miss and for a hit of a value that the rich serializer wrote", async () => {
    const strata = createStrata({ namespace: uniqueNamespace(), serializer: richSerializer });
    const app = new Hono<StrataEnv>();
    app.use(middleware(strata, app));
    app.get("/item", async (c) =>
      respond(c, await c.var.strata.cache.read(ITEM, POLICY, async () => ({ at: new Date(5) }))),
    );
    const deferred: Promise<unknown>[] = [];
    const execution = {
      waitUntil: (work: Promise<unknown>) => void deferred.push(work),
      passThroughOnException: () => undefined,
      props: {},
    } as unknown as ExecutionContext;
    const get = () => app.fetch(new Request("https://shop.test/item"), {}, execution);
    const answers = [await get(), await get()];
    await Promise.all(deferred);
    for (const answer of answers)
      expect(await answer.json()).toEqual({ at: "1970-01-01T00:00:00.005Z" });
    const [miss, hit] = answers.map(({ headers }) => headers.get("etag"));
    expect(miss).toMatch(/^"/);
    expect(hit).toBe(miss);
    expect(answers[1]?.headers.get("x-cache-status")).toBe("HIT");
  });
});
