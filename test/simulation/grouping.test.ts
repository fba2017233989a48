/** Checks the guarantee of docs/consistency.md if log objects number invalidations together. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlantedFault } from "./faults.ts";
import { roughSchedule, type Schedule, type Step } from "./moves.ts";
import { findCounterExample } from "./planted-search.ts";
import { play } from "./schedule.ts";

const runs = Math.ceil(Number(process.env["SIMULATIONS"] ?? 10_000) / 10);

/** All isolates write one key within the 50 ms of a group, after a read, and then read it for a while. */
const crowd: fc.Arbitrary<readonly Step[]> = fc
  .record({
    key: fc.nat(1),
    writes: fc.array(
      fc.record({
        isolate: fc.nat(3),
        waitMs: fc.nat(30),
        by: fc.constantFrom("key", "tag", "through" as const),
      }),
      { minLength: 2, maxLength: 6 },
    ),
  })
  .map(({ key, writes }) => [
    { waitMs: 500, move: { kind: "herd", key } },
    ...writes.map(({ isolate, waitMs, by }, at): Step => ({
      waitMs: at === 0 ? 1_200 : waitMs,
      move: { kind: "write", isolate, key, by },
    })),
    ...[0, 1, 2, 3].map((isolate): Step => ({ waitMs: 5, move: { kind: "watch", isolate, key } })),
  ]);

const groupingSchedule: fc.Arbitrary<Schedule> = fc
  .tuple(roughSchedule, fc.array(fc.tuple(fc.nat(9), crowd), { minLength: 1, maxLength: 4 }))
  .map(([{ steps, ...rest }, crowds]) => ({
    ...rest,
    steps: steps.flatMap((step, at) => [
      step,
      ...crowds.flatMap(([after, moves]) => (after === at ? moves : [])),
    ]),
  }));

describe("invalidations that are numbered together", () => {
  it("no random schedule with failures breaks the consistency guarantee if log objects number invalidations together", async () => {
    await fc.assert(
      fc.asyncProperty(groupingSchedule, async (schedule) => {
        const { violations } = await play(schedule, "none", { grouping: true });
        expect(violations).toEqual([]);
      }),
      { numRuns: runs },
    );
  }, 900_000);

  it.each<[PlantedFault, number]>([
    ["group-confirmed-early", 55],
    ["group-numbers-shared", 9],
  ])(
    "the consistency checker finds the planted bug %s within 1,000 random schedules if log objects number invalidations together",
    async (fault, shownBy) => {
      const found = await findCounterExample(groupingSchedule, shownBy, async (schedule) => {
        const { violations } = await play(schedule, fault, { grouping: true });
        return violations.length === 0;
      });
      expect(found).toBeDefined();
    },
    300_000,
  );
});
