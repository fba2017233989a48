import { describe, expect, it } from "vitest";
import type { Erasure } from "../../src/core/erasure.ts";
import { failed } from "../../src/core/faults.ts";
import type { InvalidationKey } from "../../src/core/invalidation-key.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createErase } from "../../src/engine/erase.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { withBreaker } from "../../src/resilience/store-breaker.ts";
import { createEdgeTier } from "../../src/tiers/edge.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { createTestStore, valueOf } from "../redis/stores.ts";
import { createTestDurableStore } from "../stores/durable-subject.ts";
import { living } from "../stores/entries-contract.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { createTestContext } from "../support/context.ts";
import { invalidationKeysOf } from "../support/entries.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

const RED: readonly InvalidationKey[] = ["t:red"];
const ALL = { seq: 0, era: "" };
const ENTRIES = 30;
/** The time limit of one part, on the clock of the test. */
const LIMIT_MS = 2_000;

/** A store of which no page with more than `most` keys is answered within its time limit. */
function slowStore(store: SharedStore, most: number, advance: (ms: number) => void) {
  const pages: number[] = [];
  const slow: SharedStore = {
    ...store,
    erase: async (scope, cursor, pageSize, ctx) => {
      pages.push(pageSize);
      if (pageSize <= most) return store.erase!(scope, cursor, pageSize, ctx);
      advance(LIMIT_MS);
      return failed("store.timeout", "no answer within 2000 ms");
    },
  };
  return { slow, pages };
}

describe.each<[string, (namespace: string) => SharedStore]>([
  ["Redis", (namespace) => createTestStore(namespace)],
  ["Durable Objects", (namespace) => createTestDurableStore(namespace)],
])("an erasure in %s whose parts are slow", (_, create) => {
  async function setup(most: number) {
    const namespace = uniqueNamespace();
    const clock = createTestClock();
    clock.stop();
    const ctx = createTestContext({ now: clock.now });
    const store = create(namespace);
    const tagged = (key: string) =>
      living({ key, invalidationKeys: invalidationKeysOf(key, "red") });
    const keys = Array.from({ length: ENTRIES }, (_key, i) => `item:${i}`);
    valueOf(await store.write(keys.map(tagged), ctx));
    const { slow, pages } = slowStore(store, most, clock.advance);
    const breaker = createTestBreaker({ now: clock.now, slowRate: 0.5 });
    const edge = createEdgeTier({
      open: () => caches.open(namespace),
      timeoutMs: 10_000,
      withTimeout,
    });
    const memory = createMemoryTier({ maxBytes: 1_000, maxEntries: 10 });
    const erase = createErase({ memory, edge, store: withBreaker(slow, breaker) });
    return {
      breaker,
      pages,
      clock,
      /** The number of entries that the store holds. */
      async left() {
        const { found } = valueOf(await store.read(keys, 0, ctx));
        return found.filter((one) => one !== undefined).length;
      },
      /** Calls the erasure with its cursor as an operator does, at most so many times. */
      async eraseAll(calls: number): Promise<Erasure> {
        let erasure = await erase(RED, ALL, ctx);
        for (let call = 1; call < calls && !erasure.done; call++) {
          if (clock.now() < erasure.resumeAt!) clock.advance(erasure.resumeAt! - clock.now());
          erasure = await erase(RED, erasure.cursor!, ctx);
        }
        return erasure;
      },
    };
  }

  it("an erasure whose pages take longer than their time limit halves them until they end, and removes every entry", async () => {
    const { eraseAll, left, pages } = await setup(70);
    expect(await eraseAll(300)).toMatchObject({ done: true, shared: { state: "done" } });
    expect(await left()).toBe(0);
    expect(pages.slice(0, 4)).toEqual([500, 250, 125, 62]);
  });

  it("an erasure whose pages end in time only with 20 keys each goes on with smaller pages at the next call, and removes every entry", async () => {
    const { eraseAll, left, pages } = await setup(20);
    // Five halvings take longer than one call may.
    const first = await eraseAll(1);
    expect(first).toMatchObject({ done: false, shared: { removed: 0, fault: "store.timeout" } });
    expect(await eraseAll(1_000)).toMatchObject({ done: true });
    expect(await left()).toBe(0);
    // After a page that took too long, the same call tries no larger one again.
    expect(pages.join()).toContain("31,15,15");
  });

  it("an erasure whose pages of one key are not answered in time says so, with a cursor", async () => {
    const { eraseAll, left, pages } = await setup(0);
    const erasure = await eraseAll(4);
    expect(erasure).toMatchObject({
      done: false,
      shared: { state: "partial", fault: "store.timeout" },
    });
    expect(erasure.cursor).toBeDefined();
    expect(pages.at(-1)).toBe(1);
    expect(await left()).toBe(ENTRIES);
  });

  it("twenty parts of an erasure without an answer leave the breaker of readers closed, and count as no call of its window", async () => {
    const { eraseAll, breaker, pages } = await setup(0);
    await eraseAll(20);
    expect(pages.length).toBeGreaterThanOrEqual(20);
    expect(breaker.status()).toMatchObject({ state: "closed", calls: 0 });
  });
});
