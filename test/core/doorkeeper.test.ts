import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDoorkeeper } from "../../src/core/doorkeeper.ts";

const SEED = [0x0123_4567, 0x89ab_cdef] as const;
const WINDOW_MS = 1_000;

/** Additions and questions, each some time after the one before. */
const steps = fc.array(
  fc.record({
    key: fc.nat(30).map((id) => `product:${id}`),
    afterMs: fc.oneof(fc.nat(300), fc.nat(3_000)),
    adds: fc.boolean(),
  }),
  { maxLength: 200 },
);

describe("a doorkeeper", () => {
  it("a doorkeeper knows every key that was added within its window, and forgets each key after two windows", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const doorkeeper = createDoorkeeper({ windowMs: WINDOW_MS, maxKeys: 1_000, seed: SEED });
        const addedAt = new Map<string, number>();
        let now = 1_000_000;
        for (const { key, afterMs, adds } of all) {
          now += afterMs;
          const age = now - (addedAt.get(key) ?? -Infinity);
          const isKnown = doorkeeper.has(key, now);
          const mayKnow = age < 2 * WINDOW_MS;
          expect(isKnown).toBe(mayKnow && (isKnown || age < WINDOW_MS));
          if (!adds) continue;
          doorkeeper.add(key, now);
          addedAt.set(key, now);
        }
      }),
      // With 31 keys and this seed no key is taken for another.
      { seed: 1, numRuns: 300 },
    );
  });

  it("a doorkeeper for n keys knows the last n keys, whatever the time, and forgets a key after twice as many", () => {
    const maxKeys = 100;
    const doorkeeper = createDoorkeeper({ windowMs: Infinity, maxKeys, seed: SEED });
    const known = (id: number) => doorkeeper.has(`product:${id}`, id);
    for (let id = 0; id < 1_000; id++) {
      doorkeeper.add(`product:${id}`, id);
      for (let back = 0; back < Math.min(id, maxKeys); back++) expect(known(id - back)).toBe(true);
    }
    const old = Array.from({ length: 700 }, (_, id) => id);
    expect(old.filter(known).length).toBeLessThan(old.length * 0.02);
  });

  it("a full doorkeeper takes fewer than two keys of 100 for keys that were added", () => {
    const doorkeeper = createDoorkeeper({ windowMs: WINDOW_MS, maxKeys: 20_000, seed: SEED });
    for (let id = 0; id < 39_999; id++) doorkeeper.add(`product:${id}`, 0);
    let wrong = 0;
    for (let id = 0; id < 20_000; id++) if (doorkeeper.has(`other:${id}`, 0)) wrong++;
    expect(wrong).toBeLessThan(400);
    expect(doorkeeper.has("product:39998", 0)).toBe(true);
  });

  it("a doorkeeper still knows a key when the clock is set back", () => {
    const doorkeeper = createDoorkeeper({ windowMs: WINDOW_MS, maxKeys: 100, seed: SEED });
    doorkeeper.add("product:1", 50_000);
    expect(doorkeeper.has("product:1", 10_000)).toBe(true);
    expect(doorkeeper.has("product:1", 10_000 + 3 * WINDOW_MS)).toBe(false);
  });
});
