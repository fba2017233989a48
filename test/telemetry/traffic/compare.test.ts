import { describe, expect, it } from "vitest";
import { createTraces } from "../../../bench/eviction/traces.ts";
import type { MemorySettings } from "../../../src/telemetry/traffic/simulate.ts";
import { EVERY_MS, recorded, replay } from "./traffic-world.ts";

const REQUESTS = 120_000;
/** The most by which a predicted hit ratio may differ from the measured one. */
const TOLERANCE = 0.03;
const CURRENT: MemorySettings = { eviction: "sieve", maxBytes: 1_000_000, maxEntries: 20_000 };

describe("the comparison of settings over recorded traffic", () => {
  it.each([7, 42, 1234])(
    "the predicted hit ratios of two eviction orders and of two sizes of memory are within 3 points of those that the real memory tier has with a Zipf trace of 20,000 keys, seed %i",
    async (seed) => {
      const [zipf] = createTraces({ requests: REQUESTS, seed });
      const keys = Array.from(zipf?.keys ?? [], (id) => `product:${id}`);
      const { compare, sketch } = recorded(keys, CURRENT);
      expect(sketch.threshold / 2 ** 32).toBeLessThan(0.5);
      const settings: readonly MemorySettings[] = [
        CURRENT,
        { ...CURRENT, eviction: "lru" },
        { ...CURRENT, maxBytes: 4_000_000 },
        { ...CURRENT, eviction: "fifo", maxEntries: 500 },
      ];
      const { predictions, from = 0, to = 0 } = await compare("product", settings);
      for (const [index, one] of settings.entries()) {
        const hits = replay(keys, one).slice(from / EVERY_MS, to / EVERY_MS + 1);
        const measured = hits.filter(Boolean).length / hits.length;
        const predicted = predictions?.[index]?.memoryHitRatio ?? 0;
        console.log(seed, one, measured.toFixed(4), predicted.toFixed(4));
        expect(Math.abs(predicted - measured)).toBeLessThan(TOLERANCE);
      }
    },
  );
});
