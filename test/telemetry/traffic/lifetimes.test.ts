import { beforeAll, describe, expect, it } from "vitest";
import { createDice } from "../../../bench/support/dice.ts";
import { createZipf } from "../../../bench/support/zipf.ts";
import type { LookupStatus } from "../../../src/core/events.ts";
import type { TrafficSketch } from "../../../src/core/traffic.ts";
import { definePolicy, type PolicyOptions } from "../../../src/index.ts";
import { createComparison } from "../../../src/telemetry/traffic/compare.ts";
import { createTestIsolate, uniqueNamespace } from "../../support/isolate.ts";
import { createListener, createMemory } from "./traffic-world.ts";

const READS = 3_000;
const EVERY_MS = 100;
const MEMORY = { eviction: "sieve", maxBytes: 2 ** 25, maxEntries: 20_000 };

const draw = createZipf(200, 0.9, createDice(11));
/** Every tenth key does not exist. */
const trace = Array.from({ length: READS }, draw).map((rank) => `product:${rank}`);
const exists = (key: string): boolean => !key.endsWith("0");

interface Outcome {
  readonly hitRatio: number;
  readonly staleRatio: number;
  readonly loadsPerMinute: number;
}

interface Run {
  readonly sketch: TrafficSketch;
  /** What happened to the reads that a comparison counts: all but the first quarter. */
  readonly outcome: Outcome;
}

/** Reads the trace through the engine of a layer. */
async function run(lifetimes: PolicyOptions): Promise<Run> {
  const isolate = createTestIsolate({ namespace: uniqueNamespace() });
  const { clock, layer } = isolate;
  clock.stop();
  const policy = definePolicy({ ...lifetimes, jitter: 0, tiers: ["memory"], coherence: "1h" });
  const listener = createListener(layer.memory, clock.now);
  const reads: { status: LookupStatus; loads: number }[] = [];
  for (const key of trace) {
    let loads = 0;
    const { status } = await isolate.request().read(key, policy, async () => {
      loads++;
      return exists(key) ? { key } : null;
    });
    listener.read(key, status);
    await isolate.settle();
    reads.push({ status, loads });
    clock.advance(EVERY_MS);
  }
  const counted = reads.slice(READS / 4);
  const share = (status: LookupStatus): number =>
    counted.filter((read) => read.status === status).length / counted.length;
  const loads = counted.reduce((sum, one) => sum + one.loads, 0);
  return {
    sketch: listener.sketch(),
    outcome: {
      hitRatio: 1 - share("miss"),
      staleRatio: share("stale"),
      loadsPerMinute: (loads / ((counted.length - 1) * EVERY_MS)) * 60_000,
    },
  };
}

const CURRENT = { freshFor: "20s", staleWhileRevalidate: "10s", negativeFor: "5s" } as const;

describe("the comparison of lifetimes over recorded traffic", () => {
  let recorded: Run;
  beforeAll(async () => {
    recorded = await run(CURRENT);
  }, 60_000);

  it.each([
    ["the lifetimes of now", CURRENT],
    [
      "longer ones without stale answers",
      { freshFor: "1m", staleWhileRevalidate: "0ms", negativeFor: "30s" },
    ],
    ["shorter ones", { freshFor: "3s", staleWhileRevalidate: "30s", negativeFor: "1s" }],
  ] as const)(
    "the hit ratio and the share of stale answers that are predicted for %s are within 1 point of those of the engine, and the predicted loads within 3 percent",
    async (_, tried) => {
      const compare = createComparison({
        sketches: () => Promise.resolve([recorded.sketch]),
        memory: MEMORY,
        createMemory,
        pause: () => Promise.resolve(),
      });
      const { predictions, reads } = await compare("product", [tried]);
      const { outcome } = tried === CURRENT ? recorded : await run(tried);
      const predicted = predictions?.[0];
      expect(reads).toBe((READS * 3) / 4);
      expect(Math.abs((predicted?.hitRatio ?? 0) - outcome.hitRatio)).toBeLessThan(0.01);
      expect(Math.abs((predicted?.staleRatio ?? 0) - outcome.staleRatio)).toBeLessThan(0.01);
      const loads = (predicted?.loadsPerMinute ?? 0) / outcome.loadsPerMinute;
      expect(Math.abs(loads - 1)).toBeLessThan(0.03);
    },
    60_000,
  );
});
