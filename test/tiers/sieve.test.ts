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

interface Place {
  readonly key: string;
  readonly cameIn: number;
  /** The slice of the last read; undefined if the hand has passed since. */
  readIn: number | undefined;
}

/** SIEVE as its documentation defines it, over a plain list, oldest first. */
function createModel(maxEntries: number) {
  let places: Place[] = [];
  let hand = 0;
  let slice = 1;
  let left = 0;
  let from = 1;
  let newcomers = 0;
  let others = 0;
  let [younger, elder]: [string[], string[]] = [[], []];

  const find = (key: string) => places.find((place) => place.key === key);
  function take(place: Place): void {
    const at = places.indexOf(place);
    places = places.toSpliced(at, 1);
    if (at < hand) hand--;
    // The hand does not wait for what comes next.
    if (hand === places.length) hand = 0;
  }
  function visit(place: Place): void {
    if (place.cameIn >= slice - 1) newcomers++;
    else others++;
    place.readIn = slice;
  }
  function endSlice(): void {
    const turned = slice === 1 || 2 * newcomers - others > 8;
    if (turned) [from, hand] = [slice, 0];
    slice += turned ? 2 : 1;
    newcomers = others = 0;
    left = Math.floor(places.length / 8);
  }
  function evict(): void {
    if (left === 0) endSlice();
    else left--;
    for (;;) {
      hand %= places.length;
      const place = places[hand] as Place;
      if (place.readIn === undefined || place.readIn < from) {
        if (younger.length >= places.length / 4) [younger, elder] = [[], younger];
        younger = [...new Set([...younger, place.key])];
        return take(place);
      }
      place.readIn = undefined;
      hand++;
    }
  }
  return {
    keys: () => places.map((place) => place.key).toSorted(),
    get(key: string) {
      const place = find(key);
      if (place !== undefined) visit(place);
    },
    put(key: string) {
      const place = find(key);
      if (place !== undefined) return visit(place);
      if (places.length >= maxEntries) evict();
      const known = younger.includes(key) || elder.includes(key);
      places.push({ key, cameIn: slice, readIn: known ? slice : undefined });
    },
    remove(key: string) {
      const place = find(key);
      if (place !== undefined) take(place);
    },
  };
}

describe("the eviction sieve", () => {
  it("gives up what its definition says", () => {
    const operation = fc.record({
      do: fc.constantFrom("get", "get", "get", "put", "put", "put", "put", "remove"),
      // A few are asked for all the time.
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

  it("takes a key that comes back soon after it was given up as read", () => {
    const tier = tierOf(8);
    put(tier, ...range(0, 9));
    put(tier, 0); // 0 was the first to go; now 1 has gone for it.
    put(tier, ...range(9, 16)); // 2 to 8 go, and the hand comes to 0.
    put(tier, 16);
    expect(held(tier, 0, 9, 10)).toEqual([0, 10]);
  });

  it("forgets a key that was given up long ago", () => {
    const tier = tierOf(8);
    put(tier, ...range(0, 13)); // 0 to 4 have gone, and two generations of two keys are kept.
    put(tier, 0);
    put(tier, ...range(13, 21));
    expect(held(tier, 0)).toEqual([]);
  });

  // In one slice 12 hits for half of what was popular, and some for newcomers.
  it.each([
    { times: 2, kept: range(5, 17), what: "keeps what was popular while most hits are its own" },
    { times: 3, kept: range(5, 11), what: "gives up what was popular, but for what is read still" },
  ])("$what: $times reads of each newcomer", ({ times, kept }) => {
    const tier = tierOf(32);
    // 32 entries, so that five go in a slice: every fifth put from here on begins one.
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
