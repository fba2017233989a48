import { describe, expect, it } from "vitest";
import { runModel } from "../../../bench/cost/run.ts";
import { SCENARIO as MINUTE } from "../../../bench/cost/scenario.ts";
import { GROUP_TICK_MS } from "../../../src/core/log-groups.ts";
import { SHARED } from "../../../bench/cost/shared-design.ts";

const SCENARIO = { ...MINUTE, countedMs: 20_000 };
const TIMEOUT_MS = 60_000;

describe("the figures of docs/operations/cost.md, in the model of cost", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    "2,000 busy isolates in 300 data centres that share syncs send at most 20 Redis commands a second for coherence and cost less than 200 dollars a month, on the network of seed %i",
    (seed) => {
      const { coherence, bill, delay } = runModel({ ...SCENARIO, seed }, SHARED);
      expect(coherence.redisCommands).toBeGreaterThan(9);
      expect(coherence.redisCommands).toBeLessThanOrEqual(20);
      expect(bill.total).toBeLessThan(200);
      expect(delay.max).toBeLessThanOrEqual(SCENARIO.coherenceMs);
    },
    TIMEOUT_MS,
  );

  it(
    "2,000 busy isolates that each ask Redis send more than 2,000 commands a second and cost more than 12,000 dollars a month",
    () => {
      const { coherence, bill, delay } = runModel(SCENARIO, "direct");
      expect(coherence.redisCommands).toBeGreaterThan(2_000);
      expect(bill.total).toBeGreaterThan(12_000);
      expect(delay.max).toBeLessThanOrEqual(SCENARIO.coherenceMs);
    },
    TIMEOUT_MS,
  );

  it(
    "1,000 invalidations a second cost less than 2,000 dollars a month if one object numbers them together, and more if nine do",
    () => {
      const busy = { ...SCENARIO, invalidationsPerSecond: 1_000 };
      const costAt = (objects: number) =>
        runModel(busy, SHARED, { objects, tickMs: GROUP_TICK_MS }).bill.total;
      expect(costAt(1)).toBeLessThan(2_000);
      expect(costAt(9)).toBeGreaterThan(2_000);
      expect(runModel(busy, SHARED).bill.total).toBeGreaterThan(25_000);
    },
    TIMEOUT_MS,
  );
});
