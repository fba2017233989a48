import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countOptimalHits } from "../../bench/eviction/belady.ts";
import { createPlainSieve } from "../../bench/eviction/plain-sieve.ts";
import { countHits, createEntries, replayed } from "../../bench/eviction/replay.ts";
import { createTraces } from "../../bench/eviction/traces.ts";
import { createDice } from "../../bench/support/dice.ts";
import { createEviction, EVICTIONS, type Eviction } from "../../src/tiers/eviction/choice.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { entryOf } from "../support/entries.ts";

const now = 1_000_000;
const keyOf = (n: number) => `k:${n}`;

function tierOf(name: Eviction, maxEntries: number) {
  const eviction = createEviction(name, createDice(3));
  return createMemoryTier({ maxBytes: 100_000_000, maxEntries, eviction });
}

interface Seen {
  readonly key: string;
  added: number;
  used: number;
  uses: number;
  deleteAt: number;
}

/** Compares two keys by the definition of the order: the lower one is evicted first. */
const FIRST_OUT: Readonly<Record<string, (a: Seen, b: Seen) => number>> = {
  fifo: (a, b) => a.added - b.added,
  lru: (a, b) => a.used - b.used,
  lfu: (a, b) => a.uses - b.uses || a.used - b.used,
  ttl: (a, b) => a.deleteAt - b.deleteAt,
};

const operation = fc.record({
  do: fc.constantFrom("get", "put", "put", "remove"),
  key: fc.nat({ max: 9 }).map(keyOf),
});

describe.each(Object.keys(FIRST_OUT))("the eviction order %s", (name) => {
  it(`a memory tier with the eviction order ${name} evicts the same keys as a simple model of this order`, () => {
    const operations = fc.array(operation, { maxLength: 80, size: "max" });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), operations, (maxEntries, steps) => {
        const tier = tierOf(name as Eviction, maxEntries);
        const seen = new Map<string, Seen>();
        for (const [at, { do: action, key }] of steps.entries()) {
          const known = seen.get(key);
          // Every entry has another lifetime, and not in the order of the puts.
          const deleteAt = now + 1_000 + ((at * 37) % 101);
          if (action === "remove") {
            tier.remove(key);
            seen.delete(key);
          } else if (action === "get") {
            expect(tier.get(key) !== undefined).toBe(known !== undefined);
          } else tier.put(entryOf({ key, deleteAt }), now);
          if (action !== "remove" && known !== undefined) {
            known.used = at;
            known.uses++;
            if (action === "put") known.deleteAt = deleteAt;
          }
          if (action === "put" && known === undefined) {
            const [first] = [...seen.values()].toSorted(FIRST_OUT[name]);
            if (seen.size >= maxEntries && first !== undefined) seen.delete(first.key);
            seen.set(key, { key, added: at, used: at, uses: 0, deleteAt });
          }
        }
        const held = Array.from({ length: 10 }, (_, n) => keyOf(n)).filter(
          (key) => tier.peek(key) !== undefined,
        );
        expect(held).toEqual([...seen.keys()].toSorted());
      }),
      { numRuns: 500 },
    );
  });
});

describe("the eviction order random", () => {
  it("with the eviction order `random`, a full memory tier evicts one of its four entries for a new one, and over 60 seeds each of the four", () => {
    const gone = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const eviction = createEviction("random", createDice(seed));
      const tier = createMemoryTier({ maxBytes: 1_000_000, maxEntries: 4, eviction });
      for (let n = 0; n < 5; n++) tier.put(entryOf({ key: keyOf(n) }), now);
      const lost = [0, 1, 2, 3, 4].map(keyOf).filter((key) => tier.peek(key) === undefined);
      expect(lost).toHaveLength(1);
      gone.add(lost[0] ?? "");
    }
    expect([...gone].toSorted()).toEqual([0, 1, 2, 3].map(keyOf));
  });
});

describe("an eviction order", () => {
  it("createEviction() throws an error for an unknown name of an eviction order", () => {
    expect(() => createEviction("newest" as Eviction, Math.random)).toThrow(/eviction: must be/);
    expect(() => createEviction("toString" as Eviction, Math.random)).toThrow(/eviction: must be/);
  });

  it.each(EVICTIONS)(
    "a memory tier of two entries stores two new entries after it was cleared (eviction order %s)",
    (name) => {
      const tier = tierOf(name, 2);
      for (let n = 0; n < 3; n++) tier.put(entryOf({ key: keyOf(n) }), now);
      tier.clear();
      for (let n = 3; n < 9; n++) tier.put(entryOf({ key: keyOf(n) }), now);
      expect(tier.stats().entries).toBe(2);
    },
  );
});

/** The hit ratios are exact counts over seeded traces, without a clock. */
describe("on seeded traces", () => {
  const traces = createTraces({ requests: 60_000, seed: 42 });
  const entries = createEntries(60_000);
  const hits = (name: Eviction, keys: Int32Array, capacity: number): number =>
    countHits(keys, entries, replayed(tierOf(name, capacity)));
  const cases = traces.flatMap(({ name, keys, capacities }) =>
    capacities.map((capacity) => ({ name, keys, capacity })),
  );

  const sieveCases = cases.filter(({ name }) => name !== "loop");
  it.each(sieveCases)(
    "the eviction order `sieve` has at least as many hits as `lru`: trace $name, $capacity entries",
    ({ keys, capacity }) => {
      expect(hits("sieve", keys, capacity)).toBeGreaterThanOrEqual(hits("lru", keys, capacity));
    },
  );

  it.each(sieveCases)(
    "the eviction order `sieve` has at least as many hits as SIEVE without additions: trace $name, $capacity entries",
    ({ keys, capacity }) => {
      const eviction = createPlainSieve();
      const plain = createMemoryTier({ maxBytes: 100_000_000, maxEntries: capacity, eviction });
      const least = countHits(keys, entries, replayed(plain));
      expect(hits("sieve", keys, capacity)).toBeGreaterThanOrEqual(least);
    },
  );

  it.each(cases)(
    "no eviction order has more hits than Belady's optimum: trace $name, $capacity entries",
    ({ keys, capacity }) => {
      const optimum = countOptimalHits(keys, capacity);
      for (const name of EVICTIONS)
        expect(hits(name, keys, capacity), name).toBeLessThanOrEqual(optimum);
    },
  );

  it("Belady's optimum equals the best of all eviction choices on small traces", () => {
    const trace = fc.array(fc.nat({ max: 4 }), { maxLength: 10 });
    fc.assert(
      fc.property(trace, fc.integer({ min: 1, max: 3 }), (keys, capacity) => {
        expect(countOptimalHits(Int32Array.from(keys), capacity)).toBe(bestOf(keys, capacity, []));
      }),
      { numRuns: 300 },
    );
  });
});

/** The most hits of any sequence of evictions. Every miss is stored, as in the memory tier. */
function bestOf(keys: readonly number[], capacity: number, cached: readonly number[]): number {
  const [key, ...rest] = keys;
  if (key === undefined) return 0;
  if (cached.includes(key)) return 1 + bestOf(rest, capacity, cached);
  if (cached.length < capacity) return bestOf(rest, capacity, [...cached, key]);
  return Math.max(
    ...cached.map((gone) => bestOf(rest, capacity, [...cached.filter((k) => k !== gone), key])),
  );
}
