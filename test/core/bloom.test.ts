import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addKey, createBloom, falsePositiveRate, mayHold } from "../../src/core/bloom.ts";

const PROBES = 100_000;

describe("a Bloom filter", () => {
  it("a Bloom filter answers 'perhaps' for every key that was added", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (keys) => {
        const bloom = createBloom(keys.length, 0.01);
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
    "a Bloom filter of %d keys has the false positive rate that it states, asked for %d",
    (count, rate) => {
      const bloom = createBloom(count, rate);
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

  it("a Bloom filter of the maximal size states its higher false positive rate", () => {
    const bloom = createBloom(5_000_000, 0.01);
    expect(bloom.bytes.length).toBe(786_432);
    expect(falsePositiveRate(bloom, 5_000_000)).toBeGreaterThan(0.3);
  });
});
