import { describe, expect, it } from "vitest";
import { createTraces } from "../../../bench/eviction/traces.ts";
import type { MemorySettings } from "../../../src/telemetry/traffic/simulate.ts";
import { EVERY_MS, recorded, recordedFresh, replay, replayFresh } from "./traffic-world.ts";

const REQUESTS = 80_000;
/** The most by which a predicted hit ratio may differ from the measured one. */
const TOLERANCE = 0.03;
const CURRENT: MemorySettings = { eviction: "sieve", maxBytes: 1_000_000, maxEntries: 20_000 };

const TRIED: readonly MemorySettings[] = [
  { ...CURRENT, eviction: "lru" },
  { ...CURRENT, maxBytes: 4_000_000 },
  { ...CURRENT, eviction: "fifo", maxEntries: 2_000 },
];

const traces = [7, 1234].flatMap((seed) =>
  createTraces({ requests: REQUESTS, seed })
    .filter(({ name }) => name === "zipf" || name === "scan")
    .map((trace) => ({ ...trace, seed })),
);

describe("the comparison of settings over recorded traffic", () => {
  it.each(traces)(
    "the hit ratios that are predicted for other eviction orders and sizes are within 3 points of those of the real memory tier, with the trace $name over 20,000 keys and more, seed $seed",
    async ({ keys: ids, seed }) => {
      const keys = Array.from(ids, (id) => `product:${seed * 100_000 + id}`);
      const { compare, sketch } = recorded(keys, CURRENT);
      expect(sketch.threshold / 2 ** 32).toBeLessThan(0.25);
      const { predictions, from = 0, to = 0 } = await compare("product", TRIED);
      for (const [index, settings] of TRIED.entries()) {
        const hits = replay(keys, settings).slice(from / EVERY_MS, to / EVERY_MS + 1);
        const measured = hits.filter(Boolean).length / hits.length;
        const predicted = predictions?.[index]?.memoryHitRatio ?? 0;
        expect(Math.abs(predicted - measured)).toBeLessThan(TOLERANCE);
      }
    },
  );

  it.each(traces.filter(({ name }) => name === "zipf"))(
    "the hit ratios that are predicted for other lifetimes are within 3 points of the measured ones and the loads within 5 percent, with a Zipf trace of 20,000 keys, seed $seed",
    async ({ keys: ids, seed }) => {
      const keys = Array.from(ids, (id) => `product:${seed * 100_000 + id}`);
      const { compare, sketch } = recordedFresh(keys, 60_000);
      expect(sketch.threshold / 2 ** 32).toBeLessThan(0.25);
      const tried = [10_000, 300_000];
      const {
        predictions,
        from = 0,
        to = 0,
      } = await compare(
        "product",
        tried.map((freshFor) => ({ freshFor })),
      );
      for (const [index, freshMs] of tried.entries()) {
        const reads = replayFresh(keys, freshMs).slice(from / EVERY_MS, to / EVERY_MS + 1);
        const misses = reads.filter(Boolean).length;
        const { hitRatio = 0, loadsPerMinute = 0 } = predictions?.[index] ?? {};
        const loads = misses / ((to - from) / 60_000);
        expect(Math.abs(hitRatio - (1 - misses / reads.length))).toBeLessThan(TOLERANCE);
        expect(Math.abs(loadsPerMinute / loads - 1)).toBeLessThan(0.05);
      }
    },
  );
});
