/** Loaders whose values JSON cannot hold: a mistake of the program, which no stale entry may hide. */
import { describe, expect, it } from "vitest";
import { DefinitionError, definePolicy, key } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

const item = key("item", 1);
const policy = definePolicy({ freshFor: "10s", staleIfError: "1h", jitter: 0 });

const cyclic: Record<string, unknown> = { name: "a" };
cyclic["self"] = { back: cyclic };

const VALUES: readonly [string, unknown, string][] = [
  ["a BigInt", { id: 1n }, "it.id is a BigInt"],
  ["a cycle", cyclic, "it.self.back refers back to an object that contains it"],
  ["a function", () => 1, "it is a function"],
  ["a symbol", Symbol("s"), "it is a symbol"],
  ["a Map", { rows: [{ tags: new Map([["a", 1]]) }] }, "it.rows.0.tags is a Map"],
  ["a Set", new Set([1]), "it is a Set"],
  ["a promise that was not awaited", { user: Promise.resolve(1) }, "it.user is a Promise"],
  ["bytes", { file: Uint8Array.of(1, 2) }, "it.file is a Uint8Array"],
];

describe("a loader whose value cannot be stored", () => {
  it.each(VALUES)(
    "the error of cache.read() names the key and the part of the value if a loader returns %s",
    async (_, value, part) => {
      const { request } = createTestIsolate({ namespace: uniqueNamespace() });
      const error = await request()
        .read(item, policy, async () => value)
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DefinitionError);
      expect(String(error)).toContain("item:1");
      expect(String(error)).toContain(part);
    },
  );

  it("if a loader returns a value that cannot be stored, the read rejects with an error instead of serving the stale entry", async () => {
    const { request, clock } = createTestIsolate({ namespace: uniqueNamespace() });
    let value: unknown = 1;
    const read = () => request().read<unknown>(item, policy, async () => value);
    await read();
    clock.advance(11_000);
    value = 1n;
    await expect(read()).rejects.toBeInstanceOf(DefinitionError);
    // The next load does not pause, because the origin has not failed.
    value = 2;
    expect((await read()).value).toBe(2);
  });

  it("the error of cache.readMany() names the key whose value cannot be stored", async () => {
    const { request } = createTestIsolate({ namespace: uniqueNamespace() });
    const [one, two] = [key("item", 1), key("item", 2)];
    const values = new Map<string, unknown>([
      [one, 1],
      [two, 2n],
    ]);
    const error = await request()
      .readMany([one, two], policy, async () => values)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DefinitionError);
    expect(String(error)).toContain("item:2");
  });

  it("a loader value with toJSON(), empty objects and class instances is stored and read back in its JSON form", async () => {
    class Row {
      readonly id = 1;
      readonly more = {};
    }
    const { request } = createTestIsolate({ namespace: uniqueNamespace() });
    const value = { at: new Date(0), row: new Row(), none: {}, list: [{}], text: '{}{"0":' };
    const read = () => request().read<unknown>(item, policy, async () => value);
    await read();
    expect((await read()).value).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      row: { id: 1, more: {} },
      none: {},
      list: [{}],
      text: '{}{"0":',
    });
  });
});
