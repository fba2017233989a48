import { describe, expect, it } from "vitest";
import { definePolicy, key, type PolicyOptions } from "../../src/entries/data.ts";
import { createDataIsolate, SHARED_STORES, type StoreName } from "../support/data-isolate.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

const KEYS = Array.from({ length: 20 }, (_, i) => key("n", i));
const policyOf = (options: Partial<PolicyOptions> = {}) =>
  definePolicy({ freshFor: "5m", tags: ["all"], ...options });

function createPairWith(store: StoreName) {
  const [namespace, clock] = [uniqueNamespace(), createTestClock()];
  const one = () => createDataIsolate({ namespace, store, clock });
  return [one(), one()] as const;
}

describe.each(SHARED_STORES)("the reads of one turn with %s", (store) => {
  const createPair = () => createPairWith(store);

  it.each([
    ["memory and the store", policyOf({ tiers: ["memory", "redis"] })],
    ["memory, the edge and the store", policyOf()],
  ])(
    "20 parallel reads of one cache send one read to the shared store, with the tiers %s",
    async (_, policy) => {
      const [writer, reader] = createPair();
      const fill = writer.open();
      await fill.readMany(KEYS, policy, async (keys) => new Map(keys.map((one) => [one, one])));
      await writer.settle();
      const cache = reader.open();
      const load = async () => "loaded";
      const found = await Promise.all(KEYS.map((one) => cache.read(one, policy, load)));
      expect(found.map(({ status, value }) => [status, value])).toEqual(
        KEYS.map((one) => ["hit-redis", one]),
      );
      expect(reader.countOf("read")).toBe(1);
      await Promise.all(KEYS.map((one) => cache.read(one, policy, load)));
      expect(reader.countOf("read")).toBe(1);
    },
  );

  it("20 parallel calls of a wrapped function send one read to the shared store", async () => {
    const [writer, reader] = createPair();
    const options = { name: "square", policy: policyOf() };
    const squareOf = writer.strata.wrap(async (n: number) => n * n, options);
    const numbers = KEYS.map((_, i) => i);
    await Promise.all(numbers.map((n) => squareOf(n)));
    await expect.poll(async () => writer.open().has(squareOf.key(19), policyOf())).toBe(true);
    const again = reader.strata.wrap(async (_n: number) => Number.NaN, options);
    await Promise.all(numbers.map((n) => again(n)));
    expect(reader.countOf("read")).toBe(1);
  });

  it("a read that begins while an earlier read waits for the shared store sends a request of its own", async () => {
    const [, reader] = createPair();
    const policy = policyOf({ tiers: ["memory", "redis"] });
    const cache = reader.open();
    const first = cache.read(key("n", 1), policy, async () => 1);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const second = cache.read(key("n", 2), policy, async () => 2);
    expect([(await first).value, (await second).value]).toEqual([1, 2]);
    expect(reader.countOf("read")).toBe(2);
  });

  it("reads of two caches do not share a request", async () => {
    const [, reader] = createPair();
    const policy = policyOf({ tiers: ["memory", "redis"] });
    const read = (n: number) => reader.open().read(key("n", n), policy, async () => n);
    await Promise.all([read(1), read(2)]);
    expect(reader.countOf("read")).toBe(2);
  });

  it("each read of a shared request is validated by its own policy", async () => {
    const [writer, reader] = createPair();
    const [long, short] = [policyOf({ jitter: 0 }), policyOf({ freshFor: "1m", jitter: 0 })];
    const fill = writer.open();
    for (const one of KEYS.slice(0, 2)) await fill.read(one, long, async () => "stored");
    await writer.settle();
    writer.clock.advance(2 * 60_000);
    const cache = reader.open();
    const statuses = await Promise.all(
      [long, short].map(async (policy, i) => {
        const found = await cache.read(KEYS[i] ?? "", policy, async () => "new");
        return [found.status, found.value];
      }),
    );
    expect(statuses).toEqual([
      ["hit-edge", "stored"],
      ["miss", "new"],
    ]);
  });

  it("a loader that reads through the cache of its own reader ends", async () => {
    const [, reader] = createPair();
    const cache = reader.open();
    const policy = policyOf();
    const found = await Promise.all(
      KEYS.slice(0, 3).map((outer) =>
        cache.read(outer, policy, async (load) => {
          const inner = await load.read(`${outer}:inner`, policy, async () => 1);
          return (inner.value ?? 0) + 1;
        }),
      ),
    );
    expect(found.map(({ value }) => value)).toEqual([2, 2, 2]);
  });
});
