import { describe, expect, it } from "vitest";
import type { FilterStore } from "../../src/core/existence-filter.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { insert, keyOf, open, openShop, purge, redis } from "./existence-shop.ts";

/** Isolates that have loaded the filter of one shop, and how often a filter was built of its keys. */
async function openChain() {
  const shop = openShop();
  const count = { builds: 0 };
  const list = async () => {
    count.builds++;
    return [...shop.ids].map(keyOf);
  };
  const isolates = ["colo-a", "colo-a", "colo-b", "colo-c"].map((host) => open(shop, host, list));
  const [first = open(shop)] = isolates;
  await first.build();
  for (const isolate of isolates) expect(await isolate.mayExist(9)).toBe(false);
  count.builds = 0;
  return { shop, isolates, first, count, claim: `${shop.namespace}:exists:product:claim` };
}

describe("an existence filter that a purge has outdated", () => {
  it.each<LogKey>(["n:", "p:product:", "~n:"])(
    "after an invalidation of `%s`, the existence filters of all isolates report a missing id as missing again within 4 seconds, and one isolate lists the keys once",
    async (logKey) => {
      const { isolates, first, count } = await openChain();
      await purge(first, logKey);
      for (const { isolate } of isolates) isolate.clock.advance(1_001);
      for (const isolate of isolates) expect(await isolate.ask(9)).toBe(true);
      for (const { isolate } of isolates) {
        await isolate.settle();
        isolate.clock.advance(2_001);
      }
      for (const isolate of isolates) await isolate.ask(9);
      for (const { isolate } of isolates) await isolate.settle();
      for (const isolate of isolates) {
        expect(await isolate.ask(9)).toBe(false);
        expect(await isolate.ask(2)).toBe(true);
      }
      expect(count.builds).toBe(1);
    },
  );

  it("after a purge of everything, 200 made-up ids let one isolate list the keys once", async () => {
    const { first, count } = await openChain();
    await purge(first, "n:");
    const asked = Array.from({ length: 200 }, (_, id) => first.ask(1_000 + id));
    expect((await Promise.all(asked)).every(Boolean)).toBe(true);
    await first.isolate.settle();
    expect(count.builds).toBe(1);
    const later = Array.from({ length: 200 }, (_, id) => first.ask(2_000 + id));
    // The filter of three keys is so small that a few ids pass it.
    expect((await Promise.all(later)).filter(Boolean).length).toBeLessThan(20);
  });

  it("an existence filter that purges outdate again and again is built at most once in 10 seconds by all isolates", async () => {
    const { isolates, first, count, claim } = await openChain();
    for (let round = 0; round < 5; round++) {
      await purge(first, "n:");
      for (const isolate of isolates) {
        isolate.isolate.clock.advance(2_001);
        await isolate.ask(9);
        await isolate.isolate.settle();
      }
    }
    expect(count.builds).toBe(1);
    expect(await redis.pttl(claim)).toBeGreaterThan(0);
    expect(await redis.pttl(claim)).toBeLessThanOrEqual(10_000);
    // The claim ends by itself.
    await redis.del(claim);
    first.isolate.clock.advance(2_001);
    await first.ask(9);
    await first.isolate.settle();
    expect(count.builds).toBe(2);
    expect(await first.ask(9)).toBe(false);
  });

  it("a build of an existence filter that the platform has ended is made by another isolate after its claim has ended", async () => {
    const { shop, isolates, claim } = await openChain();
    const stuck = open(shop, "colo-d", () => new Promise<never>(() => undefined));
    expect(await stuck.mayExist(9)).toBe(false);
    await purge(stuck, "n:");
    void stuck.ask(9);
    await expect.poll(() => redis.exists(claim)).toBe(1);
    const [, other = stuck] = isolates;
    other.isolate.clock.advance(2_001);
    expect(await other.ask(9)).toBe(true);
    await other.isolate.settle();
    expect(await other.ask(9)).toBe(true);
    await redis.del(claim);
    other.isolate.clock.advance(2_001);
    await other.ask(9);
    await other.isolate.settle();
    expect(await other.ask(9)).toBe(false);
  });

  it("an insert of one key builds no existence filter anew", async () => {
    const { shop, first, count } = await openChain();
    await insert(first, shop, 9);
    expect(await first.ask(9)).toBe(true);
    await first.isolate.settle();
    expect(count.builds).toBe(0);
  });
});

describe("the load of an existence filter", () => {
  it("a load of an existence filter that never ends is replaced after 10 seconds", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    const { load } = shop.filters;
    let loads = 0;
    const filters: FilterStore = {
      ...shop.filters,
      load: (...args) => (++loads === 1 ? new Promise(() => undefined) : load(...args)),
    };
    const hindered = open({ ...shop, filters }, "colo-b");
    const { existence, isolate } = hindered;
    const miss = () => existence.missed("product", isolate.request().ctx);
    miss();
    isolate.clock.advance(9_000);
    miss();
    expect(loads).toBe(1);
    isolate.clock.advance(1_001);
    miss();
    await expect.poll(() => hindered.ask(9)).toBe(false);
    expect(loads).toBe(2);
  });
});
