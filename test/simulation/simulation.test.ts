/**
 * Checks the guarantee of docs/consistency.md under random schedules.
 *
 * SIMULATIONS sets their number (default 10,000). SIMULATION_SEED and SIMULATION_PATH replay the
 * failure that printed them.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calmSchedule, roughSchedule, sharingSchedule } from "./moves.ts";
import { replay } from "./replay.ts";
import { play } from "./schedule.ts";

const runs = Number(process.env["SIMULATIONS"] ?? 10_000);
const TIMEOUT_MS = Math.max(900_000, runs * 200);
const parameters = { numRuns: runs, ...replay() };

describe("random schedules", () => {
  it(
    "no random schedule with failures breaks the consistency guarantee in docs/consistency.md, and after the failures every outbox row is delivered and memory answers again",
    async () => {
      let reads = 0;
      await fc.assert(
        fc.asyncProperty(roughSchedule, async (schedule) => {
          const result = await play(schedule, "none");
          reads += result.reads;
          expect(result.violations).toEqual([]);
        }),
        parameters,
      );
      // With a path only one schedule is played.
      if (parameters.path === undefined) expect(reads).toBeGreaterThan(runs);
    },
    TIMEOUT_MS,
  );

  it(
    "no random schedule with failures breaks the consistency guarantee if isolates share their syncs",
    async () => {
      await fc.assert(
        fc.asyncProperty(sharingSchedule, async (schedule) => {
          const { violations } = await play(schedule, "none", { sharing: true });
          expect(violations).toEqual([]);
        }),
        { ...parameters, numRuns: Math.ceil(runs / 4) },
      );
    },
    TIMEOUT_MS,
  );

  it(
    "without failures, at most one load of a key runs at a time in each flight scope (a region, or all regions), every read gets a value within 6 s, and relays do not repeat invalidations",
    async () => {
      await fc.assert(
        fc.asyncProperty(calmSchedule, async (schedule) => {
          const { violations } = await play(schedule, "none", { isCalm: true });
          expect(violations).toEqual([]);
        }),
        { ...parameters, numRuns: Math.ceil(runs / 5) },
      );
    },
    TIMEOUT_MS,
  );
});
