/** Shows that the checker can fail: it finds each planted fault within 1,000 schedules. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlantedFault } from "./faults.ts";
import { calmSchedule, roughSchedule, sharingSchedule, type Schedule } from "./moves.ts";
import { play } from "./schedule.ts";

const WITHIN = 1_000;

/** Those of groups are found in grouping.test.ts, and those of Durable Objects in durable.test.ts. */
type Fault = Exclude<PlantedFault, "none" | `group-${string}` | `restart-${string}`>;

interface Plant {
  /** The rule that the fault breaks. */
  readonly breaks: string;
  /** The schedules that show it: with failures, by default; with shared syncs as well; without failures. */
  readonly schedules?: "sharing" | "calm" | "tight";
}

const PLANTS: Readonly<Record<Fault, Plant>> = {
  "as-of-after-load": { breaks: "an entry is as old as the log position before its load" },
  "era-ignored": { breaks: "a lost log makes every older entry invalid" },
  "floor-ignored": { breaks: "an entry below the floor is invalid" },
  "stamped-at-receipt": { breaks: "the log view is as old as the question of its last sync" },
  "watched-ignored": { breaks: "write-through does not hide a purge of one of the entry's names" },
  "inner-mark-dropped": { breaks: "an answer made of an `unreachable` value is marked too" },
  "nested-unseen": { breaks: "a value has the invalidation keys of the values it was made of" },
  "inner-age-dropped": { breaks: "a value is as old as the oldest value it was made of" },
  "batches-not-coalesced": {
    breaks: "a batch shares its loads as single reads do",
    schedules: "calm",
  },
  "claims-ignored": {
    breaks: "one relay at a time invalidates a row, so that entries loaded since stay",
    schedules: "calm",
  },
  "rows-mixed-up": { breaks: "the relay deletes a row only if the log has the row's own log keys" },
  "lost-number-found": {
    breaks: "the relay invalidates a row again if the log has lost its number",
  },
  "mark-never-ends": { breaks: "an isolate's own mark ends, so that memory answers again" },
  "truncation-ignored": {
    breaks: "an answer with a part of the changes vouches for that part only",
  },
  "verifications-mixed-up": { breaks: "entries that are verified together get their own numbers" },
  "cap-without-floor": {
    breaks: "a log with a maximum of log keys raises the floor when it trims",
  },
  "slot-kept": {
    breaks: "a load that waits for a load inside it gives its origin slot back",
    schedules: "tight",
  },
  "older-landing-kept": { breaks: "a flight whose result is too large does not land an older one" },
  "followers-forgotten": {
    breaks: "every follower of a flight gets its result",
    schedules: "calm",
  },
  "coalescing-off": { breaks: "lookups of one key share one load", schedules: "calm" },
  "filter-not-dated": { breaks: "an existence filter excludes no key that was added after it" },
  "soft-ignored": { breaks: "a soft invalidation makes entries stale" },
  "prefix-ignored": { breaks: "an invalidation of a prefix makes its keys' entries invalid" },
  "object-age-ignored": {
    breaks: "an answer of the log object is as old as its question to Redis",
    schedules: "sharing",
  },
  "object-instant-used": {
    breaks: "an instant of the log object's clock is not one of the isolate's",
    schedules: "sharing",
  },
  "share-age-ignored": {
    breaks: "the share of a data centre is as old as its question to Redis",
    schedules: "sharing",
  },
};

const SCHEDULES: Readonly<
  Record<
    string,
    {
      readonly arbitrary: fc.Arbitrary<Schedule>;
      readonly options: object;
      readonly counts?: (violation: string) => boolean;
    }
  >
> = {
  failing: { arbitrary: roughSchedule, options: {} },
  sharing: { arbitrary: sharingSchedule, options: { sharing: true } },
  calm: { arbitrary: calmSchedule, options: { isCalm: true } },
  // So few slots that followers do not always wait for a load. Only reads without a value count.
  tight: {
    arbitrary: calmSchedule.map((schedule) => ({
      ...schedule,
      limits: { ...schedule.limits, slots: 3 },
    })),
    options: { isCalm: true },
    counts: (violation: string) => !violation.includes(" loads of "),
  },
};

const PLANTED = Object.entries(PLANTS).map(([fault, plant]: [string, Plant]) => ({
  ...plant,
  fault: fault as Fault,
}));

describe("planted faults", () => {
  it.each(PLANTED)(
    "within 1,000 random schedules the consistency checker finds the planted fault $fault, which breaks the rule: $breaks",
    async ({ fault, schedules = "failing" }) => {
      const {
        arbitrary = roughSchedule,
        options = {},
        counts = () => true,
      } = SCHEDULES[schedules] ?? {};
      const details = await fc.check(
        fc.asyncProperty(arbitrary, async (schedule) => {
          const { violations } = await play(schedule, fault, options);
          return !violations.some(counts);
        }),
        { numRuns: WITHIN, seed: 1, endOnFailure: true },
      );
      expect(details.failed, `no counter-example in ${details.numRuns} schedules`).toBe(true);
    },
    300_000,
  );
});
