import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sizeOf } from "../../src/core/entry-size.ts";
import { done } from "../../src/core/faults.ts";
import type { MemoryTier, Tier } from "../../src/core/tier.ts";
import { createEviction, EVICTIONS, type Eviction } from "../../src/tiers/eviction/choice.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { createDice } from "../../bench/support/dice.ts";
import { entryOf } from "../support/entries.ts";
import { describeTier } from "./contract.ts";

const small = (key: string, chars = 0, lives = 60_000) =>
  entryOf({ key, body: "x".repeat(chars), deleteAt: 1_060_000 + lives });
const UNIT = sizeOf(small("k:0"));
const roomy = () => createMemoryTier({ maxBytes: 1_000_000, maxEntries: 1_000 });
const now = 1_000_000;

/** The memory tier behind the asynchronous port, for the suite that all tiers share. */
function asTier(memory: MemoryTier): Tier {
  return {
    name: "memory",
    get: (key) => Promise.resolve(done(memory.get(key))),
    set: (entry, ctx) => Promise.resolve(done(memory.put(entry, ctx.now()))),
    delete: (keys) => Promise.resolve(done(keys.forEach(memory.remove))),
  };
}

const tierOf = (name: Eviction, maxEntries: number) =>
  createMemoryTier({
    maxBytes: 1_000_000,
    maxEntries,
    eviction: createEviction(name, createDice(1)),
  });

for (const name of EVICTIONS)
  describe(`with the eviction order ${name},`, () => {
    describeTier("memory", () => ({ tier: asTier(tierOf(name, 1_000)), host: "strata.test" }));
  });

const operation = fc.record({
  do: fc.constantFrom("get", "put", "put", "remove"),
  key: fc.nat({ max: 9 }).map((n) => `k:${n}`),
  chars: fc.nat({ max: 400 }),
  lives: fc.nat({ max: 9 }),
});

describe("the memory tier", () => {
  it.each(EVICTIONS)(
    "the memory tier never exceeds the options `maxBytes` and `maxEntries` during random operations (eviction order %s)",
    (name) => {
      const bounds = fc.record({
        maxBytes: fc.integer({ min: UNIT, max: 6 * UNIT }),
        maxEntries: fc.integer({ min: 1, max: 6 }),
      });
      fc.assert(
        fc.property(bounds, fc.array(operation, { maxLength: 60 }), (limits, operations) => {
          const eviction = createEviction(name, createDice(7));
          const tier = createMemoryTier({ ...limits, eviction });
          for (const { do: action, key, chars, lives } of operations) {
            if (action === "get") tier.get(key);
            else if (action === "remove") tier.remove(key);
            else {
              const entry = small(key, chars, lives);
              tier.put(entry, now);
              // An entry that does not fit removes the former one under its key.
              if (sizeOf(entry) > limits.maxBytes) expect(tier.peek(key)).toBeUndefined();
            }
            const held = Array.from({ length: 10 }, (_, n) => tier.peek(`k:${n}`)).filter(
              (entry) => entry !== undefined,
            );
            const { bytes, entries } = tier.stats();
            expect(entries).toBe(held.length);
            expect(bytes).toBe(held.reduce((sum, entry) => sum + sizeOf(entry), 0));
            expect(bytes).toBeLessThanOrEqual(limits.maxBytes);
            expect(entries).toBeLessThanOrEqual(limits.maxEntries);
          }
        }),
        { numRuns: 200 },
      );
    },
  );

  const keysOf = (tier: MemoryTier, ...keys: string[]) =>
    keys.filter((key) => tier.peek(key) !== undefined);

  it("a full memory tier evicts the oldest entry that was not read", () => {
    const tier = createMemoryTier({ maxBytes: 1_000_000, maxEntries: 3 });
    for (const key of ["k:1", "k:2", "k:3"]) tier.put(small(key), now);
    tier.get("k:1");
    tier.put(small("k:4"), now);
    expect(keysOf(tier, "k:1", "k:2", "k:3", "k:4")).toEqual(["k:1", "k:3", "k:4"]);
    expect(tier.stats().evictions).toBe(1);
  });

  it("a full memory tier stores a new entry even if every stored entry was read", () => {
    const tier = createMemoryTier({ maxBytes: 1_000_000, maxEntries: 3 });
    for (const key of ["k:1", "k:2", "k:3"]) {
      tier.put(small(key), now);
      tier.get(key);
    }
    tier.put(small("k:4"), now);
    expect(keysOf(tier, "k:1", "k:2", "k:3", "k:4")).toEqual(["k:2", "k:3", "k:4"]);
  });

  it("an entry larger than the memory tier is not stored, and the former entry of the same key is removed", () => {
    const tier = createMemoryTier({ maxBytes: 3 * UNIT, maxEntries: 10 });
    tier.put(small("k:1"), now);
    tier.put(small("k:2"), now);
    tier.put(small("k:1", 10_000), now);
    expect(keysOf(tier, "k:1", "k:2")).toEqual(["k:2"]);
    expect(tier.stats()).toEqual({ entries: 1, bytes: UNIT, evictions: 0 });
  });

  it("large entries take a quarter of the memory tier together, so that all small entries stay stored", () => {
    const MIB = 1 << 20;
    const tier = createMemoryTier({
      maxBytes: 16 * MIB,
      maxEntries: 1_000,
      maxEntryBytes: 4 * MIB,
    });
    const keys = Array.from({ length: 180 }, (_, i) => `small:${i}`);
    for (const key of keys) tier.put(small(key, 65_536), now);
    for (let round = 0; round < 20; round++) {
      for (const key of keys) tier.get(key);
      tier.put(small(`large:${round}`, 2 * MIB - 10_000), now);
    }
    expect(keys.filter((key) => tier.get(key) !== undefined).length).toBe(keys.length);
    const large = Array.from({ length: 20 }, (_, i) => tier.get(`large:${i}`) !== undefined);
    expect(large.lastIndexOf(true) - large.indexOf(true)).toBe(1);
    expect(large.at(-1)).toBe(true);
    // The share is given back by entries that shrink or are removed.
    for (let i = 0; i < 20; i++) tier.put(small(`large:${i}`, 10), now);
    tier.put(small("whole", 4 * MIB - 10_000), now);
    expect(tier.get("whole")).toBeDefined();
    expect(tier.stats().bytes).toBeLessThanOrEqual(16 * MIB);
  });

  it("the memory tier calls the callback `onRefuse` for an entry over the option `maxEntryBytes`, and stores smaller entries", () => {
    const refused: string[] = [];
    const tier = createMemoryTier({
      maxBytes: 1_000_000,
      maxEntries: 10,
      maxEntryBytes: 2 * UNIT,
      onRefuse: (key) => refused.push(key),
    });
    tier.put(small("k:1"), now);
    tier.put(small("k:2"), now);
    tier.put(small("k:1", 10_000), now);
    tier.put({ ...small("k:3"), deleteAt: now }, now);
    expect(keysOf(tier, "k:1", "k:2", "k:3")).toEqual(["k:2"]);
    expect(refused).toEqual(["k:1"]);
  });

  it("the memory tier evicts as many entries as a new large entry needs", () => {
    const tier = createMemoryTier({ maxBytes: 4 * UNIT, maxEntries: 10 });
    for (const key of ["k:1", "k:2", "k:3", "k:4"]) tier.put(small(key), now);
    tier.put(small("k:5", 2 * UNIT), now);
    expect(keysOf(tier, "k:1", "k:2", "k:3", "k:4", "k:5")).toEqual(["k:4", "k:5"]);
  });

  it("the memory tier does not store an expired entry, and removes the former entry of the same key", () => {
    const tier = roomy();
    tier.put(small("k:1"), now);
    tier.put({ ...small("k:1"), deleteAt: now }, now);
    expect(tier.peek("k:1")).toBeUndefined();
  });

  it.each(EVICTIONS)(
    "peek() does not change which entries the memory tier evicts (eviction order %s)",
    (name) => {
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
          const [looked, other] = [tierOf(name, 4), tierOf(name, 4)];
          for (const { do: action, key, lives } of operations) {
            for (const tier of [looked, other])
              if (action === "get") tier.get(key);
              else if (action === "remove") tier.remove(key);
              else tier.put(small(key, 0, lives), now);
            for (let n = 0; n < 10; n++) looked.peek(`k:${n}`);
          }
          const keys = Array.from({ length: 10 }, (_, n) => `k:${n}`);
          expect(keysOf(looked, ...keys)).toEqual(keysOf(other, ...keys));
        }),
        { numRuns: 100 },
      );
    },
  );

  it("with the eviction order `lru`, get() of the memory tier counts as a use of an entry, and peek() does not", () => {
    const tier = tierOf("lru", 2);
    tier.put(small("k:1"), now);
    tier.put(small("k:2"), now);
    tier.peek("k:1");
    tier.put(small("k:3"), now);
    expect(keysOf(tier, "k:1", "k:2", "k:3")).toEqual(["k:2", "k:3"]);
    tier.get("k:2");
    tier.put(small("k:4"), now);
    expect(keysOf(tier, "k:2", "k:3", "k:4")).toEqual(["k:2", "k:4"]);
  });

  it("the option `eviction` of a memory tier replaces SIEVE by another eviction order", () => {
    const eviction = createEviction("lru");
    const tier = createMemoryTier({ maxBytes: 1_000_000, maxEntries: 2, eviction });
    tier.put(small("k:1"), now);
    tier.put(small("k:2"), now);
    tier.get("k:1");
    tier.put(small("k:3"), now);
    expect(keysOf(tier, "k:1", "k:2", "k:3")).toEqual(["k:1", "k:3"]);
  });

  it("createEviction() throws an error for the eviction order `random` without a source of randomness", () => {
    expect(() => createEviction("random")).toThrow(/^random: must be/);
  });

  it("the memory tier is empty after a call of clear(), and can be used again", () => {
    const tier = createMemoryTier({ maxBytes: 1_000_000, maxEntries: 2 });
    for (const key of ["k:1", "k:2", "k:3"]) tier.put(small(key), now);
    tier.clear();
    expect(tier.stats()).toMatchObject({ entries: 0, bytes: 0 });
    for (const key of ["k:1", "k:2", "k:3"]) tier.put(small(key), now);
    expect(keysOf(tier, "k:1", "k:2", "k:3")).toEqual(["k:2", "k:3"]);
  });

  it("the memory tier stores an entry under the key `__proto__`", () => {
    const tier = roomy();
    expect(tier.peek("__proto__")).toBeUndefined();
    expect(tier.peek("constructor")).toBeUndefined();
    tier.put(small("__proto__"), now);
    expect(tier.peek("__proto__")?.key).toBe("__proto__");
  });
});

describe("the limit of a copy in memory", () => {
  it("a copy with a limit is removed at its end, before the entry expires", () => {
    const memory = roomy();
    memory.put(small("k:1"), now, 10_000);
    expect(memory.get("k:1", now + 9_999)).toBeDefined();
    expect(memory.peek("k:1", now + 10_000)).toBeUndefined();
    expect(memory.get("k:1", now + 10_000)).toBeUndefined();
    expect(memory.stats().entries).toBe(0);
  });

  it("a copy of the value that memory holds already does not lengthen the limit, and a newer value does", () => {
    const memory = roomy();
    const entry = small("k:1");
    memory.put(entry, now, 10_000);
    memory.put({ ...entry, asOf: entry.asOf + 1 }, now + 5_000, 10_000);
    expect(memory.get("k:1", now + 10_000)).toBeUndefined();
    memory.put(entry, now, 10_000);
    memory.put({ ...entry, storedAt: entry.storedAt + 1 }, now + 5_000, 10_000);
    expect(memory.get("k:1", now + 10_000)).toBeDefined();
  });
});
