/** Shows that the checker can fail: it finds each planted fault within 1,000 schedules. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlantedFault } from "./faults.ts";
import { calmSchedule, play, roughSchedule, sharingSchedule } from "./schedule.ts";

const WITHIN = 1_000;

describe("planted faults", () => {
  it.each<PlantedFault>([
    "as-of-after-load",
    "era-ignored",
    "floor-ignored",
    "stamped-at-receipt",
    "watched-ignored",
    "nested-unseen",
    "truncation-ignored",
    "soft-ignored",
    "prefix-ignored",
  ])(
    "the consistency checker finds the planted bug %s within 1,000 random schedules",
    async (fault) => {
      const details = await fc.check(
        fc.asyncProperty(roughSchedule, async (schedule) => {
          const { violations } = await play(schedule, fault);
          return violations.length === 0;
        }),
        { numRuns: WITHIN, seed: 1, endOnFailure: true },
      );
      expect(details.failed, `no counter-example in ${details.numRuns} schedules`).toBe(true);
    },
    300_000,
  );

  it.each<PlantedFault>(["object-age-ignored", "object-instant-used", "share-age-ignored"])(
    "the consistency checker finds the planted bug %s within 1,000 random schedules if isolates share their syncs",
    async (fault) => {
      const details = await fc.check(
        fc.asyncProperty(sharingSchedule, async (schedule) => {
          const { violations } = await play(schedule, fault, { sharing: true });
          return violations.length === 0;
        }),
        { numRuns: WITHIN, seed: 1, endOnFailure: true },
      );
      expect(details.failed, `no counter-example in ${details.numRuns} schedules`).toBe(true);
    },
    300_000,
  );

  it.each<PlantedFault>(["coalescing-off", "batches-not-coalesced"])(
    "the consistency checker finds the planted bug `%s` within 1,000 random schedules",
    async (fault) => {
      const details = await fc.check(
        fc.asyncProperty(calmSchedule, async (schedule) => {
          const { violations } = await play(schedule, fault, { countLoads: true });
          return violations.length === 0;
        }),
        { numRuns: WITHIN, seed: 1, endOnFailure: true },
      );
      expect(details.failed).toBe(true);
    },
    300_000,
  );
});
