/**
 * Checks the promises of docs/sessions.md under random schedules.
 *
 * SIMULATIONS sets their number (default 10,000). SIMULATION_SEED and SIMULATION_PATH replay the failure that
 * printed them.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { replay } from "../replay.ts";
import { PLANTED, type PlantedFault } from "./session-faults.ts";
import {
  calmSessions,
  lateSessions,
  longSessions,
  racingSessions,
  roughSessions,
} from "./session-moves.ts";
import { PLANTED_IN_OBJECTS, type ObjectFault } from "./session-objects.ts";
import { playObjectSessions, playSessions } from "./session-world.ts";

const runs = Number(process.env["SIMULATIONS"] ?? 10_000);
const TIMEOUT_MS = Math.max(600_000, runs * 100);
const parameters = { numRuns: runs, ...replay() };

/** The schedules that show a planted fault, if it is not the rough ones. */
const SCHEDULES: Readonly<Partial<Record<PlantedFault | ObjectFault, typeof roughSessions>>> = {
  "arrivals-not-refused": racingSessions,
  "late-answers-used": lateSessions,
  "end-ignored": longSessions,
};

/** A planted fault is found within this many schedules. */
const WITHIN = 1_000;

describe("random schedules of sessions", () => {
  it(
    "no random schedule with failures of Redis lets a session be seen later than 1 s after its revocation, after its lifetime, or by another user's id",
    async () => {
      let found = 0;
      await fc.assert(
        fc.asyncProperty(roughSessions, async (schedule) => {
          const played = await playSessions(schedule);
          found += played.found;
          expect(played.violations).toEqual([]);
        }),
        parameters,
      );
      // With a path only one schedule is played.
      if (parameters.path === undefined) expect(found).toBeGreaterThan(runs);
    },
    TIMEOUT_MS,
  );

  it(
    "no random schedule with a slow Redis and late time limits lets a session be seen later than 1 s after its revocation",
    async () => {
      await fc.assert(
        fc.asyncProperty(lateSessions, async (schedule) => {
          expect((await playSessions(schedule)).violations).toEqual([]);
        }),
        { ...parameters, numRuns: Math.ceil(runs / 4) },
      );
    },
    TIMEOUT_MS,
  );

  it(
    "without failures, every session that is neither revoked, replaced nor expired is found, and none after its longest time",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(calmSessions, longSessions), async (schedule) => {
          expect((await playSessions(schedule)).violations).toEqual([]);
        }),
        { ...parameters, numRuns: Math.ceil(runs / 4) },
      );
    },
    TIMEOUT_MS,
  );
});

describe.each([1, 3])("random schedules of sessions in %s Durable Objects", (shards) => {
  it(
    `no random schedule with failures of ${shards} session objects lets a session be seen later than 1 s after its revocation, after its lifetime, or by another user's id`,
    async () => {
      let found = 0;
      const numRuns = Math.ceil(runs / 16);
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(roughSessions, racingSessions, lateSessions),
          async (schedule) => {
            const played = await playObjectSessions(schedule, shards);
            found += played.found;
            expect(played.violations).toEqual([]);
          },
        ),
        { ...parameters, numRuns },
      );
      if (parameters.path === undefined) expect(found).toBeGreaterThan(numRuns / 2);
    },
    TIMEOUT_MS,
  );

  it(
    `without failures of ${shards} session objects, every session that is neither revoked, replaced nor expired is found, and none after its longest time`,
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(calmSessions, longSessions), async (schedule) => {
          expect((await playObjectSessions(schedule, shards)).violations).toEqual([]);
        }),
        { ...parameters, numRuns: Math.ceil(runs / 32) },
      );
    },
    TIMEOUT_MS,
  );
});

describe("planted faults of session objects", () => {
  const inStore = ["reads-remembered", "late-answers-used", "sign-in-not-counted"] as const;
  it.each([
    ...(Object.entries(PLANTED_IN_OBJECTS) as [ObjectFault, string][]),
    ...inStore.map((fault) => [fault, PLANTED[fault]] as const),
  ])(
    "within 1,000 random schedules the checker finds the fault %s, planted in sessions in three Durable Objects, which breaks the rule: %s",
    async (fault) => {
      const schedules = SCHEDULES[fault] ?? roughSessions;
      const details = await fc.check(
        fc.asyncProperty(schedules, async (schedule) => {
          const { violations } = await playObjectSessions(schedule, 3, fault);
          return violations.length === 0;
        }),
        { numRuns: WITHIN, seed: 1, endOnFailure: true },
      );
      expect(details.failed).toBe(true);
    },
    120_000,
  );
});

describe("planted faults of sessions", () => {
  it.each(Object.entries(PLANTED) as [PlantedFault, string][])(
    "within 1,000 random schedules the checker of sessions finds the planted fault %s, which breaks the rule: %s",
    async (fault) => {
      const schedules = SCHEDULES[fault] ?? roughSessions;
      const details = await fc.check(
        fc.asyncProperty(schedules, async (schedule) => {
          const { violations } = await playSessions(schedule, fault);
          return violations.length === 0;
        }),
        { numRuns: WITHIN, seed: 1, endOnFailure: true },
      );
      expect(details.failed).toBe(true);
    },
    120_000,
  );
});
