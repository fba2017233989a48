/**
 * Checks the guarantee of docs/consistency.md with the shared store in Durable Objects: its own tables
 * over SQLite, and its own port. SIMULATIONS sets the number of schedules (default 1,500).
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roughSchedule } from "./moves.ts";
import { findCounterExample } from "./planted-search.ts";
import { replay } from "./replay.ts";
import { play } from "./schedule.ts";

const runs = Number(process.env["SIMULATIONS"] ?? 1_500);
/** The number of a schedule that shows the planted fault: see planted-search.ts. */
const SHOWN_BY = 81;

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
        { numRuns: runs, ...replay() },
      );
      expect(reads).toBeGreaterThan(runs);
    },
    Math.max(900_000, runs * 1_000),
  );

  it("within 1,000 random schedules the consistency checker finds objects that lose acknowledged numbers in a restart", async () => {
    const schedules = fc.tuple(roughSchedule, shardsArbitrary);
    const found = await findCounterExample(schedules, SHOWN_BY, async ([schedule, shards]) => {
      const { violations } = await play(schedule, "restart-loses-numbers", { shards });
      return violations.length === 0;
    });
    expect(found).toBeDefined();
  }, 300_000);
});
