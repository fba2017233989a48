import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MemoryTier } from "../../src/core/tier.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { entryOf } from "../support/entries.ts";

const now = 1_000_000;
const keyOf = (n: number) => `k:${n}`;
const tierOf = (maxEntries: number) => createMemoryTier({ maxBytes: 1_000_000, maxEntries });

function put(tier: MemoryTier, ...keys: readonly number[]): void {
  for (const n of keys) tier.put(entryOf({ key: keyOf(n) }), now);
}

function read(tier: MemoryTier, times: number, ...keys: readonly number[]): void {
  for (let time = 0; time < times; time++) for (const n of keys) tier.get(keyOf(n));
}

const held = (tier: MemoryTier, ...keys: readonly number[]) =>
  keys.filter((n) => tier.peek(keyOf(n)) !== undefined);

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

interface Item {
  readonly key: string;
  readonly cameIn: number;
  /** The slice of the last read; undefined if the hand has passed the entry since. */
  readIn: number | undefined;
}

/** A model of SIEVE as createSieve documents it, over a plain list, oldest first. */
function createModel(maxEntries: number) {
  let items: Item[] = [];
  let hand = 0;
  let slice = 1;
  let left = 0;
  let from = 1;
  let newcomers = 0;
  let others = 0;
  let [younger, elder]: [string[], string[]] = [[], []];

  const find = (key: string) => items.find((item) => item.key === key);
  function take(item: Item): void {
    const at = items.indexOf(item);
    items = items.toSpliced(at, 1);
    if (at < hand) hand--;
    // A hand at the end starts over at the oldest.
    if (hand === items.length) hand = 0;
  }
  function visit(item: Item): void {
    if (item.cameIn >= slice - 1) newcomers++;
    else others++;
    item.readIn = slice;
  }
  function endSlice(): void {
    const turned = slice === 1 || 2 * newcomers - others > 8;
    if (turned) [from, hand] = [slice, 0];
    slice += turned ? 2 : 1;
    newcomers = others = 0;
    left = Math.floor(items.length / 8);
  }
  function evict(): void {
    if (left === 0) endSlice();
    else left--;
    for (;;) {
      hand %= items.length;
      const item = items[hand] as Item;
      if (item.readIn === undefined || item.readIn < from) {
        if (younger.length >= items.length / 4) [younger, elder] = [[], younger];
        younger = [...new Set([...younger, item.key])];
        return take(item);
      }
      item.readIn = undefined;
      hand++;
    }
  }
  return {
    keys: () => items.map((item) => item.key).toSorted(),
    get(key: string) {
      const item = find(key);
      if (item !== undefined) visit(item);
    },
    put(key: string) {
      const item = find(key);
      if (item !== undefined) return visit(item);
      if (items.length >= maxEntries) evict();
      const known = younger.includes(key) || elder.includes(key);
      items.push({ key, cameIn: slice, readIn: known ? slice : undefined });
    },
    remove(key: string) {
      const item = find(key);
      if (item !== undefined) take(item);
    },
  };
}

describe("the eviction order sieve", () => {
  it("the eviction order `sieve` evicts the same keys as a model of SIEVE over a plain list", () => {
    const operation = fc.record({
      do: fc.constantFrom("get", "get", "get", "put", "put", "put", "put", "remove"),
      // A few keys are popular.
      key: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 40 })).map(keyOf),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.array(operation, { maxLength: 400, size: "max" }),
        (maxEntries, operations) => {
          const tier = tierOf(maxEntries);
          const model = createModel(maxEntries);
          for (const { do: action, key } of operations) {
            if (action === "get") tier.get(key);
            else if (action === "remove") tier.remove(key);
            else tier.put(entryOf({ key }), now);
            model[action](key);
          }
          expect(
            held(tier, ...range(0, 41))
              .map(keyOf)
              .toSorted(),
          ).toEqual(model.keys());
        },
      ),
      { numRuns: 500 },
    );
  });

  it("the eviction order `sieve` treats a key that is stored again soon after its eviction as already read", () => {
    const tier = tierOf(8);
    put(tier, ...range(0, 9));
    put(tier, 0); // 0 was evicted first; now it evicts 1.
    put(tier, ...range(9, 16)); // 2 to 8 are evicted, and the hand comes to 0.
    put(tier, 16);
    expect(held(tier, 0, 9, 10)).toEqual([0, 10]);
  });

  it("the eviction order `sieve` treats a key that is stored again long after its eviction as unread", () => {
    const tier = tierOf(8);
    put(tier, ...range(0, 13)); // 0 to 4 are evicted; the ghosts hold two generations of two keys.
    put(tier, 0);
    put(tier, ...range(13, 21));
    expect(held(tier, 0)).toEqual([]);
  });

  // One slice has 12 hits of formerly popular keys and some of newcomers.
  it.each([
    { times: 2, kept: range(5, 17), what: "SIEVE keeps popular keys while they get most hits" },
    {
      times: 3,
      kept: range(5, 11),
      what: "SIEVE evicts formerly popular keys that are no longer read",
    },
  ])("$what (case: each new entry was read $times times)", ({ times, kept }) => {
    const tier = tierOf(32);
    // Five of 32 entries are evicted in a slice, so that every fifth put from here on begins one.
    put(tier, ...range(0, 37));
    for (const from of [100, 110, 120]) {
      read(tier, 3, ...range(5, 17));
      put(tier, ...range(from, from + 5));
    }
    put(tier, ...range(200, 205));
    read(tier, 2, ...range(5, 11));
    read(tier, times, ...range(200, 205));
    put(tier, ...range(300, 310));
    expect(held(tier, ...range(200, 205))).toEqual(range(200, 205));
    expect(held(tier, ...range(5, 17))).toEqual(kept);
  });
});
