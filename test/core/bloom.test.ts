import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HashKey } from "../../src/core/keyed-hash.ts";
import { addKey, createBloom, falsePositiveRate, mayHold } from "../../src/core/bloom.ts";

const PROBES = 100_000;
const SEED = [0x0123_4567, 0x89ab_cdef] as const;

describe("a Bloom filter", () => {
  it("a Bloom filter reports every key that was added to it as possibly present", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (keys) => {
        const bloom = createBloom(keys.length, 0.01, SEED);
        for (const key of keys) addKey(bloom, key);
        expect(keys.every((key) => mayHold(bloom, key))).toBe(true);
      }),
    );
  });

  it.each([
    [100, 0.01],
    [2_000, 0.01],
    [50_000, 0.01],
    [2_000, 0.001],
  ])(
    "a Bloom filter of %d keys has the false positive rate that falsePositiveRate() computes, for the requested rate %d",
    (count, rate) => {
      const bloom = createBloom(count, rate, SEED);
      for (let id = 1; id <= count; id++) addKey(bloom, `product:${id}`);
      let wrong = 0;
      for (let id = 1; id <= PROBES; id++) if (mayHold(bloom, `product:${count + id}`)) wrong++;
      const stated = falsePositiveRate(bloom, count);
      expect(stated).toBeLessThanOrEqual(rate * 1.05);
      // Ids are consecutive, as real ones are. Chance gets five standard deviations.
      const chance = 5 * Math.sqrt((stated * (1 - stated)) / PROBES);
      // The share of set bits of a small filter differs more from the mean.
      expect(wrong / PROBES).toBeLessThan(stated * (1 + 4 / Math.sqrt(count)) + chance);
    },
  );

  it("falsePositiveRate() is above 0.3 for 5,000,000 keys, because a Bloom filter has at most 786,432 bytes", () => {
    const bloom = createBloom(5_000_000, 0.01, SEED);
    expect(bloom.bytes.length).toBe(786_432);
    expect(falsePositiveRate(bloom, 5_000_000)).toBeGreaterThan(0.3);
  });

  it("keys chosen as false positives of one Bloom filter are rarely false positives of a Bloom filter with another hash seed", () => {
    const of = (seed: HashKey) => {
      const bloom = createBloom(2_000, 0.01, seed);
      for (let id = 1; id <= 2_000; id++) addKey(bloom, `product:${id}`);
      return bloom;
    };
    const [known, secret] = [of([1, 2]), of(SEED)];
    const chosen: string[] = [];
    for (let id = 2_001; chosen.length < 1_000; id++)
      if (mayHold(known, `product:${id}`)) chosen.push(`product:${id}`);
    const passed = chosen.filter((key) => mayHold(secret, key)).length;
    // 1 % on average; the bound is five standard deviations above.
    expect(passed).toBeLessThan(26);
  });
});
