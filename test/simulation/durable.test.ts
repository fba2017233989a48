/**
 * Checks the guarantee of docs/consistency.md with the shared store in Durable Objects: its own tables
 * over SQLite, and its own port. SIMULATIONS sets the number of schedules (default 1,500).
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roughSchedule } from "./moves.ts";
import { play } from "./schedule.ts";

const runs = Number(process.env["SIMULATIONS"] ?? 1_500);
const seed = process.env["SIMULATION_SEED"];
const WITHIN = 1_000;

/** One object for the log and the entries, or two further objects for the entries. */
const shardsArbitrary = fc.constantFrom(0, 2);

describe("the shared store in Durable Objects", () => {
  it(
    "no random schedule with failures and restarts of objects breaks the consistency guarantee, with a bound that has no lag of a replica",
    async () => {
      let reads = 0;
      await fc.assert(
        fc.asyncProperty(roughSchedule, shardsArbitrary, async (schedule, shards) => {
          const result = await play(schedule, "none", { shards });
          reads += result.reads;
          expect(result.violations).toEqual([]);
        }),
        { numRuns: runs, ...(seed !== undefined && { seed: Number(seed) }) },
      );
      expect(reads).toBeGreaterThan(runs);
    },
    Math.max(900_000, runs * 1_000),
  );

  it("within 1,000 random schedules the consistency checker finds objects that lose acknowledged numbers in a restart", async () => {
    const details = await fc.check(
      fc.asyncProperty(roughSchedule, shardsArbitrary, async (schedule, shards) => {
        const { violations } = await play(schedule, "restart-loses-numbers", { shards });
        return violations.length === 0;
      }),
      { numRuns: WITHIN, seed: 1, endOnFailure: true },
    );
    expect(details.failed, `no counter-example in ${details.numRuns} schedules`).toBe(true);
  }, 300_000);
});
