import { describe, expect, it } from "vitest";
import type { TrafficSketch } from "../../../src/core/traffic.ts";
import { createComparison } from "../../../src/telemetry/traffic/compare.ts";
import { createKeptSketches } from "../../../src/telemetry/traffic/kept-sketches.ts";
import { knownSketches } from "../../../src/telemetry/traffic/known-sketches.ts";
import { createMemory } from "./traffic-world.ts";

const MINUTE_MS = 60_000;
const MEMORY = { eviction: "sieve", maxBytes: 2 ** 25, maxEntries: 20_000 };

type Read = readonly [hash: number, at: number, age: number];

/** A sketch of whole traffic: each entry is fresh for a minute and takes 1,000 bytes. */
function sketchOf(isolate: string, reads: readonly Read[], threshold = 2 ** 32): TrafficSketch {
  const hashes = [...new Set(reads.map(([hash]) => hash))];
  return {
    isolate,
    since: 0,
    threshold,
    kinds: ["product"],
    keys: hashes.map((hash) => ({
      hash,
      kind: 0,
      bytes: 1_000,
      loadMs: 20,
      freshMs: MINUTE_MS,
      staleMs: 0,
      keptMs: 0,
      negative: false,
    })),
    reads: {
      hash: Uint32Array.from(reads, ([hash]) => hash),
      at: Float64Array.from(reads, ([, at]) => at),
      age: Uint32Array.from(reads, ([, , age]) => age),
      reads: Uint32Array.from(reads, (_, index) => index + 1),
      memoryMisses: new Uint32Array(reads.length),
      misses: new Uint32Array(reads.length),
      invalidated: new Uint8Array(reads.length),
    },
  };
}

const compareAll = (sketches: readonly TrafficSketch[]) =>
  createComparison({
    sketches: () => Promise.resolve(sketches),
    memory: MEMORY,
    createMemory,
    pause: () => Promise.resolve(),
  });

describe("the sketches of several isolates", () => {
  it("two isolates that read one key share its loads, and each has a memory of its own", async () => {
    const reads = (ages: readonly number[]): readonly Read[] =>
      ages.map((age, index) => [7, index * 1_000, age]);
    const first = sketchOf("a", reads([0, 1_000, 2_000, 3_000]));
    const second = sketchOf("b", reads([1, 1_000, 2_000, 3_000]));
    const {
      predictions,
      isolates,
      reads: all,
    } = await compareAll([first, second])("product", [{}, { freshFor: "1s" }]);
    expect([isolates, all]).toEqual([2, 6]);
    const [now, short] = predictions ?? [];
    expect(now).toMatchObject({ memoryHitRatio: 1, hitRatio: 1, loadsPerMinute: 0 });
    // Each second one of both isolates loads, and the other one finds the entry in the shared store.
    expect(short?.hitRatio).toBeCloseTo(0.5);
    expect(short?.memoryHitRatio).toBeCloseTo(0);
    expect(now).toMatchObject({ memoryBytes: 1_000, kindBytes: 1_000 });
  });

  it("a read that found its entry invalidated loads again, however long the tried lifetime is", async () => {
    const reads = [0, 1, 2, 3, 4, 5, 6, 7].map((n): Read => [
      7,
      n * 1_000,
      n % 2 === 0 ? 0 : 1_000,
    ]);
    const sketch = sketchOf("a", reads);
    sketch.reads.invalidated.set([0, 0, 1, 0, 1, 0, 1, 0]);
    const { predictions } = await compareAll([sketch])("product", [{ freshFor: "1h" }]);
    // Of the six reads that count, three follow an invalidation.
    expect(predictions?.[0]).toMatchObject({ memoryHitRatio: 0.5, hitRatio: 0.5 });
  });

  it("a key that memory has never held does the same with all settings", async () => {
    const whole = sketchOf("a", [
      [7, 0, 0],
      [7, 1_000, 0],
      [7, 2_000, 5],
      [7, 3_000, 0],
      [7, 4_000, 0],
    ]);
    const sketch = { ...whole, keys: whole.keys.map((key) => ({ ...key, bytes: 0 })) };
    const { predictions } = await compareAll([sketch])("product", [{}, { freshFor: "1h" }]);
    for (const one of predictions ?? [])
      expect(one).toMatchObject({ memoryHitRatio: 0, hitRatio: 0.25 });
  });

  it("a read of one kind is simulated for a question about another kind, and not counted", async () => {
    const products = sketchOf("a", [
      [1, 0, 0],
      [2, 1_000, 0],
      [1, 2_000, 2_000],
      [2, 3_000, 2_000],
      [1, 4_000, 4_000],
    ]);
    // The counts are of one kind each.
    products.reads.reads.set([1, 1, 2, 2, 3]);
    const [first, second] = products.keys;
    const keys = [first!, { ...second!, kind: 1 }];
    const sketch = { ...products, kinds: ["product", "user"], keys };
    const { predictions, sampledReads } = await compareAll([sketch])("product", [
      {},
      { maxEntries: 1 },
    ]);
    expect(sampledReads).toBe(2);
    expect(predictions?.map(({ memoryHitRatio }) => memoryHitRatio)).toEqual([1, 0]);
    expect(predictions?.[0]).toMatchObject({ memoryBytes: 2_000, kindBytes: 1_000 });
  });

  it("the lowest sampling rate of all isolates decides which keys are simulated", async () => {
    const few = sketchOf("a", [[5, 0, 0]], 2 ** 31);
    const many = sketchOf("b", [
      [5, 1, 0],
      [2 ** 31 + 1, 2, 0],
      [5, 3, 0],
      [5, 4, 0],
    ]);
    const { rate, sampledReads } = await compareAll([few, many])("product", [{}]);
    expect(rate).toBe(0.5);
    // Four reads of the key are left, and the first of them is not counted.
    expect(sampledReads).toBe(3);
  });

  it("reads of a quiet isolate that are older than the sketch of a busy one are not simulated", async () => {
    const at = (...instants: readonly number[]): readonly Read[] =>
      instants.map((instant) => [3, instant, 1]);
    const quiet = sketchOf("a", at(0, 1_000, 1_000_000, 1_000_500));
    const busy = { ...sketchOf("b", at(1_000_100, 1_000_200)), since: 999_000 };
    const { from, to, reads } = await compareAll([quiet, busy])("product", [{}]);
    expect([from, to, reads]).toEqual([1_000_100, 1_000_500, 3]);
  });

  it("a metrics object keeps the newest sketch of the 2 isolates that have reported last, for 10 minutes", () => {
    const kept = createKeptSketches();
    const names = (now: number) => kept.list(now).map(({ isolate }) => isolate);
    for (const [at, isolate] of ["a", "b", "c"].entries()) kept.add(sketchOf(isolate, []), at);
    expect(names(3)).toEqual(["b", "c"]);
    kept.add(sketchOf("b", [[1, 1, 0]]), 10);
    expect(names(10)).toEqual(["c", "b"]);
    expect(kept.list(10).at(-1)?.keys).toHaveLength(1);
    expect(names(10 * MINUTE_MS + 9)).toEqual(["b"]);
  });

  it("a comparison takes the own sketch instead of the reported one, and at most 4 sketches with the most reads", async () => {
    const one = (name: string, count: number) =>
      sketchOf(
        name,
        Array.from({ length: count }, (_, at): Read => [1, at, 1]),
      );
    const own = one("own", 5);
    const reported = [one("own", 9), ...Array.from({ length: 8 }, (_, i) => one(`i${i}`, i))];
    const known = await knownSketches(own, { sketches: () => Promise.resolve([reported]) });
    expect(known.map(({ isolate }) => isolate)).toEqual(["i7", "i6", "own", "i5"]);
    expect(known[2]).toBe(own);
  });

  it("a comparison has the own sketch alone if a metrics object cannot be reached", async () => {
    const own = sketchOf("own", [[1, 1, 0]]);
    const away = { sketches: () => Promise.reject(new Error("away")) };
    expect(await knownSketches(own, away)).toEqual([own]);
    expect(await knownSketches(own, undefined)).toEqual([own]);
  });
});
