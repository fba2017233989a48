import { describe, expect, it } from "vitest";
import { CacheUnavailable, DefinitionError, definePolicy, key } from "../../src/entries/data.ts";
import { createDataIsolate, STORES, type DataIsolate } from "../support/data-isolate.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

const KEY = key("n", 1);
const N = definePolicy({ freshFor: "5m", staleWhileRevalidate: "5m", jitter: 0, tags: ["all"] });

/** Reads through one piece of work, and waits for what it deferred. */
async function read(isolate: DataIsolate, value: unknown, policy = N) {
  const found = await isolate.open().read(KEY, policy, async () => value);
  await isolate.settle();
  return [found.status, found.value];
}

describe.each(STORES)("the data cache with %s", (store) => {
  function createPair(): readonly [DataIsolate, DataIsolate] {
    const [namespace, clock] = [uniqueNamespace(), createTestClock()];
    const one = (): DataIsolate => createDataIsolate({ namespace, store, clock });
    return [one(), one()];
  }

  it("cache.get() finds what another isolate loaded, and returns undefined where nothing is stored", async () => {
    const [one, other] = createPair();
    expect(await one.open().get(KEY, N)).toBeUndefined();
    expect(await read(one, "first")).toEqual(["miss", "first"]);
    expect(await other.open().get(KEY, N)).toMatchObject({ status: "hit-edge", value: "first" });
    expect(await other.open().get(KEY, N)).toMatchObject({ status: "hit-memory", value: "first" });
  });

  it("cache.get() reports one lookup for a value, and one that searched and missed where nothing is stored", async () => {
    const [one] = createPair();
    const lookups = () => one.events.filter(({ type }) => type === "lookup.end").splice(0);
    await one.open().get(KEY, N);
    const missed = { type: "lookup.end", key: KEY, status: "miss", negative: false };
    expect(lookups()).toEqual([{ ...missed, unreachable: false, searched: true }]);
    one.events.length = 0;
    expect(await one.open().has(KEY, N)).toBe(false);
    expect(lookups()).toMatchObject([{ ...missed, searched: true }]);
    await read(one, "first");
    one.events.length = 0;
    await one.open().get(KEY, N);
    expect(lookups()).toEqual([{ ...missed, status: "hit-memory", unreachable: false }]);
  });

  it("no event of onEvent has a stored value, also if memory, the edge and the shared store reject the entry", async () => {
    const [one, other] = createPair();
    const secret = "secret-of-ada".repeat(3);
    await read(one, secret);
    await read(other, secret);
    await one.open().invalidateTags("all");
    other.clock.advance(1_500);
    await read(other, secret);
    await one.open().set(KEY, `${secret}2`, N);
    await read(one, secret);
    await one.open().refresh(KEY, N, async () => `${secret}3`);
    const events = [...one.events, ...other.events];
    const rejected = events.flatMap((event) => (event.type === "entry.reject" ? event : []));
    expect(rejected.map(({ tier }) => tier)).toEqual(expect.arrayContaining(["memory", "edge"]));
    expect(rejected[0]?.entry?.invalidationKeys).toContain("t:all");
    expect(JSON.stringify(events)).not.toContain("secret-of-ada");
  });

  it("cache.get() returns a value in its stale window as stale, and starts no refresh", async () => {
    const [one] = createPair();
    await read(one, "first");
    one.clock.advance(6 * 60_000);
    expect(await one.open().get(KEY, N)).toMatchObject({ status: "stale", value: "first" });
    await one.settle();
    expect(one.events.filter(({ type }) => type === "refresh.start")).toEqual([]);
    one.clock.advance(5 * 60_000);
    expect(await one.open().get(KEY, N)).toBeUndefined();
  });

  it("cache.has() is true for a value, and false for a negative entry and for nothing", async () => {
    const [one] = createPair();
    expect(await one.open().has(KEY, N)).toBe(false);
    await read(one, null);
    expect(await one.open().has(KEY, N)).toBe(false);
    await one.open().delete(KEY);
    await read(one, "first");
    expect(await one.open().has(KEY, N)).toBe(true);
  });

  it("cache.peek() returns the value of memory until the key is invalidated", async () => {
    const [one, other] = createPair();
    expect(one.open().peek(KEY, N)).toBeUndefined();
    await read(one, "first");
    expect(one.open().peek(KEY, N)).toMatchObject({ status: "hit-memory", value: "first" });
    expect(other.open().peek(KEY, N)).toBeUndefined();
    await one.open().invalidate(KEY);
    expect(one.open().peek(KEY, N)).toBeUndefined();
  });

  it("cache.peek() returns nothing once the log view is older than the coherence bound", async () => {
    const [one] = createPair();
    await read(one, "first");
    one.clock.advance(1_500);
    expect(one.open().peek(KEY, N)).toBeUndefined();
    expect(await read(one, "second")).toEqual(["hit-memory", "first"]);
    expect(one.open().peek(KEY, N)).toMatchObject({ value: "first" });
  });

  it("cache.set() replaces the value that another isolate holds in memory", async () => {
    const [one, other] = createPair();
    await read(one, "first");
    await read(other, "unused");
    expect(await one.open().set(KEY, "second", N)).toBe(true);
    await one.settle();
    one.clock.advance(1_500);
    expect(await read(other, "unused")).toEqual(["hit-edge", "second"]);
    expect(await read(one, "unused")).toEqual(["hit-memory", "second"]);
  });

  it("cache.set() stores one value after another of the same key", async () => {
    const [one] = createPair();
    for (const value of ["first", "second", "third"]) {
      expect(await one.open().set(KEY, value, N)).toBe(true);
      expect(await read(one, "unused")).toEqual(["hit-memory", value]);
    }
  });

  it.each([
    ["has not heard of it", false],
    ["has heard of it", true],
  ])(
    "a purge of a tag after the opening of the cache wins over cache.set() in an isolate that %s",
    async (_, hears) => {
      const [one, other] = createPair();
      await read(one, "first");
      const cache = one.open();
      await other.open().invalidateTags("mine");
      if (hears) {
        one.clock.advance(1_500);
        await one.open().read(key("unrelated", 1), N, async () => 1);
      }
      expect(await cache.set(KEY, "old", N, { tags: ["mine"] })).toBe(false);
      expect(await read(one, "new")).toEqual(["miss", "new"]);
    },
  );

  it("a purge of a tag after cache.set() ends the value that it stored", async () => {
    const [one, other] = createPair();
    await one.open().set(KEY, "first", N, { tags: ["mine"] });
    await one.settle();
    await other.open().invalidateTags("mine");
    one.clock.advance(1_500);
    expect(await read(one, "new")).toEqual(["miss", "new"]);
  });

  it("an isolate that has never asked the log does not store the value of a key that was invalidated before", async () => {
    const [one, cold] = createPair();
    await one.open().invalidate(KEY);
    expect(await cold.open().set(KEY, "maybe old", N)).toBe(false);
    expect(await cold.open().set(KEY, "new", N)).toBe(true);
  });

  it("cache.set() stores a value that the program read after its own invalidation, if it names that position", async () => {
    const [one] = createPair();
    const cache = one.open();
    await cache.invalidateTags("all");
    expect(await cache.set(KEY, "unknown order", N)).toBe(false);
    const asOf = cache.position();
    expect(await cache.set(KEY, "new", N, { asOf })).toBe(true);
  });

  it("cache.set() refuses null, undefined and a value that JSON cannot hold", async () => {
    const [one] = createPair();
    for (const value of [null, undefined, new Map(), 1n])
      await expect(one.open().set(KEY, value, N)).rejects.toThrow(DefinitionError);
    expect(await one.open().get(KEY, N)).toBeUndefined();
  });

  it("cache.refresh() loads anew although memory has a fresh value, and stores the result", async () => {
    const [one, other] = createPair();
    await read(one, "first");
    one.clock.advance(10);
    const fresh = await one.open().refresh(KEY, N, async () => "second");
    await one.settle();
    expect([fresh.status, fresh.value]).toEqual(["miss", "second"]);
    expect(await read(one, "unused")).toEqual(["hit-memory", "second"]);
    expect(await read(other, "unused")).toEqual(["hit-edge", "second"]);
  });

  it("calls of cache.refresh() for one key in the same millisecond share one load", async () => {
    const [one] = createPair();
    one.clock.stop();
    await read(one, "first");
    one.clock.advance(10);
    let loads = 0;
    const again = () => one.open().refresh(KEY, N, async () => ++loads);
    const all = await Promise.all([again(), again(), again()]);
    expect(all.map(({ value }) => value)).toEqual([1, 1, 1]);
  });

  it("cache.refresh() fails if the load fails, and readers keep the stored value", async () => {
    const [one] = createPair();
    await read(one, "first");
    one.clock.advance(10);
    const failing = one.open().refresh(KEY, N, async () => {
      throw new Error("down");
    });
    await expect(failing).rejects.toThrow(CacheUnavailable);
    expect(await read(one, "unused")).toEqual(["hit-memory", "first"]);
  });

  it("cache.touch() gives a value the lifetime of its policy again, without a load", async () => {
    const [one, other] = createPair();
    await read(one, "first");
    one.clock.advance(4 * 60_000);
    expect(await one.open().touch(KEY, N)).toBe(true);
    await one.settle();
    one.clock.advance(4 * 60_000);
    expect(await read(one, "unused")).toEqual(["hit-memory", "first"]);
    expect(await read(other, "unused")).toEqual(["hit-edge", "first"]);
    one.clock.advance(2 * 60_000);
    expect((await one.open().get(KEY, N))?.status).toBe("stale");
  });

  it("cache.touch() with a lifetime shortens or lengthens the life of a value beyond its policy", async () => {
    const [one] = createPair();
    await read(one, "first");
    await one.open().touch(KEY, N, "1h");
    await one.settle();
    one.clock.advance(50 * 60_000);
    expect(await read(one, "unused")).toEqual(["hit-memory", "first"]);
    await one.open().touch(KEY, N, "10s");
    one.clock.advance(11_000);
    expect((await one.open().get(KEY, N))?.status).toBe("stale");
    await expect(one.open().touch(KEY, N, 0)).rejects.toThrow(DefinitionError);
    await expect(one.open().touch(KEY, N, "7d")).rejects.toThrow(DefinitionError);
  });

  it("cache.touch() does not prolong a negative entry", async () => {
    const [one] = createPair();
    await one.open().read(KEY, N, async () => undefined);
    await one.settle();
    expect(await one.open().touch(KEY, N, "6d")).toBe(false);
  });

  it("cache.touch() neither creates a value nor revives an invalidated one", async () => {
    const [one, other] = createPair();
    expect(await one.open().touch(KEY, N)).toBe(false);
    await read(one, "first");
    await other.open().invalidateTags("all");
    one.clock.advance(1_500);
    expect(await one.open().touch(KEY, N)).toBe(false);
    expect(await read(one, "second")).toEqual(["miss", "second"]);
  });

  it("a purge during cache.touch() wins", async () => {
    const [one, other] = createPair();
    await read(one, "first");
    const touching = one.open().touch(KEY, N);
    await other.open().invalidateTags("all");
    await touching;
    await one.settle();
    one.clock.advance(1_500);
    expect(await read(one, "second")).toEqual(["miss", "second"]);
    expect(await read(other, "unused")).toEqual(["hit-edge", "second"]);
  });

  it("each method takes the options of a policy in place of a policy, and reports a wrong option", async () => {
    const [one] = createPair();
    const options = { freshFor: "5m", tags: ["all"] } as const;
    const cache = one.open();
    expect((await cache.read(KEY, options, async () => 1)).value).toBe(1);
    expect((await cache.readMany([KEY], options, async () => new Map())).get(KEY)?.value).toBe(1);
    expect((await cache.get(KEY, options))?.value).toBe(1);
    expect(cache.peek(KEY, options)?.value).toBe(1);
    expect(await cache.touch(KEY, options)).toBe(true);
    await expect(cache.get(KEY, { freshFor: 0 })).rejects.toThrow(/freshFor/);
  });

  it("a loader that reads by cache.get() gives its entry the tags of the value that it read", async () => {
    const [one] = createPair();
    const inner = definePolicy({ freshFor: "5m", tags: ["inner"] });
    const cache = one.open();
    await cache.read(key("inner", 1), inner, async () => 1);
    const sum = (add: number) =>
      cache.read(key("outer", 1), N, async () => {
        const found = await cache.get<number>(key("inner", 1), inner);
        return (found?.value ?? 0) + add;
      });
    expect((await sum(1)).value).toBe(2);
    await cache.invalidateTags("inner");
    expect((await sum(10)).value).toBe(10);
  });
});
