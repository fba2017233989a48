import { afterEach, describe, expect, it, vi } from "vitest";
import { secondRead, type SecondReadLimits } from "../../src/entries/admission.ts";
import { definePolicy, DefinitionError, key } from "../../src/entries/data.ts";
import { createDataIsolate, type DataIsolate } from "../support/data-isolate.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "5m", staleWhileRevalidate: "1h", jitter: 0 });
const KEY = key("product", 1);
const MINUTE_MS = 60_000;

async function read(isolate: DataIsolate, entryKey = KEY, policy = POLICY) {
  const found = await isolate.open().read(entryKey, policy, async () => "value");
  await isolate.settle();
  return found.status;
}

/** Counts the entries that are put into the Cache API. */
function countEdgePuts(): () => number {
  const put = vi.spyOn(Object.getPrototypeOf(caches.default) as Cache, "put");
  return () =>
    put.mock.calls.filter(
      ([request]) => typeof request === "string" && request.includes("/__strata/entries/"),
    ).length;
}

/** Isolates of one data centre and one Redis database. */
function createIsolates(limits?: SecondReadLimits): () => DataIsolate {
  const [namespace, clock] = [uniqueNamespace(), createTestClock()];
  return () =>
    createDataIsolate({ namespace, clock, store: "Redis", admission: secondRead(limits) });
}

describe("the admission by the second read", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("of 20 keys that are read once and 5 that are read twice, Redis and the edge get the 5, and memory has all", async () => {
    const puts = countEdgePuts();
    const isolate = createIsolates()();
    for (let id = 1; id <= 20; id++) await read(isolate, key("once", id));
    expect([isolate.countOf("write"), puts()]).toEqual([0, 0]);
    for (let id = 1; id <= 5; id++) {
      expect(await read(isolate, key("twice", id))).toBe("miss");
      expect(await read(isolate, key("twice", id))).toBe("hit-memory");
      expect(await read(isolate, key("twice", id))).toBe("hit-memory");
    }
    expect([isolate.countOf("write"), puts()]).toEqual([5, 5]);
    for (let id = 1; id <= 20; id++)
      expect(await read(isolate, key("once", id))).toBe("hit-memory");
  });

  it("without an admission, each of 20 keys that are read once is one write to Redis and one put", async () => {
    const puts = countEdgePuts();
    const isolate = createDataIsolate({ namespace: uniqueNamespace(), store: "Redis" });
    for (let id = 1; id <= 20; id++) await read(isolate, key("once", id));
    expect([isolate.countOf("write"), puts()]).toEqual([20, 20]);
  });

  it("other isolates miss a value that was read once, and find it at the edge and in Redis after its second read", async () => {
    const create = createIsolates();
    const [one, other] = [create(), create()];
    const redisOnly = definePolicy({ freshFor: "5m", tiers: ["memory", "redis"] });
    await read(one);
    expect(await other.open().get(KEY, POLICY)).toBeUndefined();
    await read(one);
    expect(await create().open().get(KEY, POLICY)).toMatchObject({ status: "hit-edge" });
    expect(await create().open().get(KEY, redisOnly)).toMatchObject({ status: "hit-redis" });
  });

  it("20 parallel reads of one key store it, because they are reads of a key that is asked for again", async () => {
    const isolate = createIsolates()();
    const cache = isolate.open();
    await Promise.all(Array.from({ length: 20 }, () => cache.read(KEY, POLICY, async () => "v")));
    await isolate.settle();
    expect(isolate.countOf("write")).toBe(1);
  });

  it("a second load within the window is stored at once, and a second read after the window counts as the first", async () => {
    const create = createIsolates({ within: "10m" });
    const isolate = create();
    const short = definePolicy({ freshFor: "1m", jitter: 0 });
    await read(isolate, KEY, short);
    isolate.clock.advance(2 * MINUTE_MS);
    expect(await read(isolate, KEY, short)).toBe("miss");
    expect(isolate.countOf("write")).toBe(1);

    const long = definePolicy({ freshFor: "2h", jitter: 0 });
    const [late] = [key("product", 2)];
    await read(isolate, late, long);
    isolate.clock.advance(11 * MINUTE_MS);
    expect(await read(isolate, late, long)).toBe("hit-memory");
    expect(isolate.countOf("write")).toBe(1);
    isolate.clock.advance(9 * MINUTE_MS);
    expect(await read(isolate, late, long)).toBe("hit-memory");
    expect(isolate.countOf("write")).toBe(2);
  });

  it("an admitted key is stored with each refresh, also long after the window", async () => {
    const create = createIsolates({ within: "1m" });
    const isolate = create();
    await read(isolate);
    await read(isolate);
    for (let round = 1; round <= 3; round++) {
      isolate.clock.advance(30 * MINUTE_MS);
      expect(await read(isolate)).toBe("stale");
      expect(isolate.countOf("write")).toBe(1 + round);
    }
  });

  it("an isolate that finds an entry in the shared store stores what it loads under that key", async () => {
    const create = createIsolates();
    const [one, other] = [create(), create()];
    const policy = definePolicy({ freshFor: "5m", tiers: ["memory", "redis"] });
    await read(one, KEY, policy);
    await read(one, KEY, policy);
    await one.open().invalidate(KEY);
    one.clock.advance(1_500);
    expect(await read(other, KEY, policy)).toBe("miss");
    expect(other.countOf("write")).toBe(1);
  });

  it("without a shared store, an isolate that finds an entry at the edge stores what it loads under that key", async () => {
    const puts = countEdgePuts();
    const [namespace, clock] = [uniqueNamespace(), createTestClock()];
    const create = () =>
      createDataIsolate({
        namespace,
        clock,
        store: "the log of the data centre",
        admission: secondRead(),
      });
    const [one, other] = [create(), create()];
    await read(one);
    await read(one);
    await one.open().invalidate(KEY);
    clock.advance(1_500);
    expect(puts()).toBe(1);
    expect(await read(other)).toBe("miss");
    expect(puts()).toBe(2);
  });

  it("an invalidation reaches the value of a key that was read once, and the next read loads it", async () => {
    const create = createIsolates();
    const [one, other] = [create(), create()];
    await read(one);
    await other.open().invalidate(KEY);
    one.clock.advance(1_500);
    expect(await read(one)).toBe("miss");
    expect(await read(one)).toBe("hit-memory");
  });

  it("cache.set() stores the value without a read, and other isolates find it", async () => {
    const create = createIsolates();
    const [one, other] = [create(), create()];
    expect(await one.open().set(KEY, "set", POLICY)).toBe(true);
    await one.settle();
    expect(await other.open().get(KEY, POLICY)).toMatchObject({ value: "set" });
  });

  it("cache.warm() stores what it loads in the shared store without a read", async () => {
    const create = createIsolates();
    const [one, other] = [create(), create()];
    const load = async (keys: readonly string[]) => new Map(keys.map((one) => [one, "warm"]));
    for await (const { results } of one.open().warm([KEY], POLICY, load))
      expect([...results.values()]).toEqual(["loaded"]);
    expect(await other.open().get(KEY, POLICY)).toMatchObject({ value: "warm" });
  });

  it("a batch writes the entries of the keys that are read again, and only these", async () => {
    const isolate = createIsolates({ within: "10m" })();
    const short = definePolicy({ freshFor: "1m", jitter: 0 });
    const readMany = async (ids: readonly number[]) => {
      const keys = ids.map((id) => key("product", id));
      await isolate
        .open()
        .readMany(keys, short, async (missing) => new Map(missing.map((k) => [k, 1])));
      await isolate.settle();
    };
    await readMany([1, 2, 3]);
    expect(isolate.countOf("write")).toBe(0);
    isolate.clock.advance(2 * MINUTE_MS);
    await readMany([3, 4]);
    expect(isolate.countOf("write")).toBe(1);
    const redisOnly = definePolicy({ freshFor: "1m", tiers: ["redis"] });
    const found = await Promise.all(
      [3, 4].map(async (id) => (await isolate.open().get(key("product", id), redisOnly))?.status),
    );
    expect(found).toEqual(["hit-redis", undefined]);
  });

  it("each tier that does not get an entry emits the event `entry.reject` with the reason `read-once`", async () => {
    const isolate = createIsolates()();
    await read(isolate);
    const rejected = isolate.events.filter(({ type }) => type === "entry.reject");
    const event = { type: "entry.reject", key: KEY, reason: "read-once" };
    expect(rejected).toEqual([
      { ...event, tier: "edge" },
      { ...event, tier: "redis" },
    ]);
  });

  it('with the tiers ["edge"], Redis gets every entry, and the edge those that are read again', async () => {
    const puts = countEdgePuts();
    const isolate = createIsolates({ tiers: ["edge"] })();
    await read(isolate);
    expect([isolate.countOf("write"), puts()]).toEqual([1, 0]);
    await read(isolate);
    expect([isolate.countOf("write"), puts()]).toEqual([1, 1]);
  });

  it("without a shared store, the edge waits for the second read, and reports no withheld entry of Redis", async () => {
    const puts = countEdgePuts();
    const isolate = createDataIsolate({
      namespace: uniqueNamespace(),
      store: "the log of the data centre",
      admission: secondRead(),
    });
    await read(isolate);
    expect(puts()).toBe(0);
    await read(isolate);
    expect(puts()).toBe(1);
    const rejected = isolate.events.filter(({ type }) => type === "entry.reject");
    expect(rejected).toEqual([
      { type: "entry.reject", key: KEY, tier: "edge", reason: "read-once" },
    ]);
  });

  it.each<[SecondReadLimits, string]>([
    [{ within: "1ms" }, "secondRead.within: must be a duration from 1000 ms"],
    [{ tiers: [] }, 'secondRead.tiers: must be a list of "edge" and "redis"'],
    [{ keys: 0 }, "secondRead.keys: must be a whole number from 100 to 500000"],
  ])("secondRead(%j) names the wrong option", (limits, problem) => {
    expect(() => secondRead(limits)).toThrow(DefinitionError);
    expect(() => secondRead(limits)).toThrow(problem);
  });
});
