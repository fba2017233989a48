/**
 * The guarantee of docs/consistency.md, held against random schedules.
 *
 * SIMULATIONS=100000 plays more; SIMULATION_SEED and SIMULATION_PATH replay what a
 * failure printed.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calmSchedule, play, roughSchedule } from "./schedule.ts";

const runs = Number(process.env["SIMULATIONS"] ?? 10_000);
const seed = process.env["SIMULATION_SEED"];
const path = process.env["SIMULATION_PATH"];
const parameters = {
  numRuns: runs,
  ...(seed !== undefined && { seed: Number(seed) }),
  ...(path !== undefined && { path }),
};

describe("random schedules", () => {
  it("never break the guarantee, whatever fails", async () => {
    let reads = 0;
    await fc.assert(
      fc.asyncProperty(roughSchedule, async (schedule) => {
        const result = await play(schedule, "none");
        reads += result.reads;
        expect(result.violations).toEqual([]);
      }),
      parameters,
    );
    // A path replays one of them.
    if (path === undefined) expect(reads).toBeGreaterThan(runs);
  }, 900_000);

  it("run one load and queue one, a key and scope, when nothing fails", async () => {
    await fc.assert(
      fc.asyncProperty(calmSchedule, async (schedule) => {
        const { violations } = await play(schedule, "none", { countLoads: true });
        expect(violations).toEqual([]);
      }),
      { ...parameters, numRuns: Math.ceil(runs / 5) },
    );
  }, 900_000);
});
