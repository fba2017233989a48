/** Shows that the checker can fail: it finds each planted fault within 1,000 schedules. */
import type fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlantedFault } from "./faults.ts";
import { calmSchedule, roughSchedule, sharingSchedule, type Schedule } from "./moves.ts";
import { findCounterExample } from "./planted-search.ts";
import { play } from "./schedule.ts";

/** Those of groups are found in grouping.test.ts, and those of Durable Objects in durable.test.ts. */
type Fault = Exclude<PlantedFault, "none" | `group-${string}` | `restart-${string}`>;

interface Plant {
  /** The rule that the fault breaks. */
  readonly breaks: string;
  /** The number of a schedule that shows it: see planted-search.ts. */
  readonly shownBy: number;
  /** The schedules that show it: with failures, by default; with shared syncs as well; without failures. */
  readonly schedules?: "sharing" | "calm" | "tight";
}

const PLANTS: Readonly<Record<Fault, Plant>> = {
  "as-of-after-load": {
    breaks: "an entry is as old as the log position before its load",
    shownBy: 1,
  },
  "era-ignored": { breaks: "a lost log makes every older entry invalid", shownBy: 457 },
  "floor-ignored": { breaks: "an entry below the floor is invalid", shownBy: 27 },
  "stamped-at-receipt": {
    breaks: "the log view is as old as the question of its last sync",
    shownBy: 57,
  },
  "watched-ignored": {
    breaks: "write-through does not hide a purge of one of the entry's names",
    shownBy: 51,
  },
  "inner-mark-dropped": {
    breaks: "an answer made of an `unreachable` value is marked too",
    shownBy: 41,
  },
  "nested-unseen": {
    breaks: "a value has the invalidation keys of the values it was made of",
    shownBy: 10,
  },
  "inner-age-dropped": {
    breaks: "a value is as old as the oldest value it was made of",
    shownBy: 157,
  },
  "batches-not-coalesced": {
    breaks: "a batch shares its loads as single reads do",
    shownBy: 0,
    schedules: "calm",
  },
  "claims-ignored": {
    breaks: "one relay at a time invalidates a row, so that entries loaded since stay",
    shownBy: 1,
    schedules: "calm",
  },
  "rows-mixed-up": {
    breaks: "the relay deletes a row only if the log has the row's own log keys",
    shownBy: 52,
  },
  "lost-number-found": {
    breaks: "the relay invalidates a row again if the log has lost its number",
    shownBy: 52,
  },
  "mark-never-ends": {
    breaks: "an isolate's own mark ends, so that memory answers again",
    shownBy: 1,
  },
  "truncation-ignored": {
    breaks: "an answer with a part of the changes vouches for that part only",
    shownBy: 15,
  },
  "verifications-mixed-up": {
    breaks: "entries that are verified together get their own numbers",
    shownBy: 44,
  },
  "cap-without-floor": {
    breaks: "a log with a maximum of log keys raises the floor when it trims",
    shownBy: 27,
  },
  "slot-kept": {
    breaks: "a load that waits for a load inside it gives its origin slot back",
    shownBy: 242,
    schedules: "tight",
  },
  "older-landing-kept": {
    breaks: "a flight whose result is too large does not land an older one",
    shownBy: 48,
  },
  "followers-forgotten": {
    breaks: "every follower of a flight gets its result",
    shownBy: 0,
    schedules: "calm",
  },
  "coalescing-off": {
    breaks: "lookups of one key share one load",
    shownBy: 0,
    schedules: "calm",
  },
  "filter-not-dated": {
    breaks: "an existence filter excludes no key that was added after it",
    shownBy: 0,
  },
  "soft-ignored": { breaks: "a soft invalidation makes entries stale", shownBy: 253 },
  "prefix-ignored": {
    breaks: "an invalidation of a prefix makes its keys' entries invalid",
    shownBy: 0,
  },
  "object-age-ignored": {
    breaks: "an answer of the log object is as old as its question to Redis",
    shownBy: 34,
    schedules: "sharing",
  },
  "object-instant-used": {
    breaks: "an instant of the log object's clock is not one of the isolate's",
    shownBy: 372,
    schedules: "sharing",
  },
  "share-age-ignored": {
    breaks: "the share of a data centre is as old as its question to Redis",
    shownBy: 1,
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
    async ({ fault, shownBy, schedules = "failing" }) => {
      const {
        arbitrary = roughSchedule,
        options = {},
        counts = () => true,
      } = SCHEDULES[schedules] ?? {};
      const found = await findCounterExample(arbitrary, shownBy, async (schedule) => {
        const { violations } = await play(schedule, fault, options);
        return !violations.some(counts);
      });
      expect(found).toBeDefined();
    },
    300_000,
  );
});
