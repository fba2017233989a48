/** Random schedules of sessions. */
import fc from "fast-check";
import { CALM, type NetworkFaults } from "./session-network.ts";

const KINDS = [
  "sign-in",
  "read",
  "read-later",
  "rotate",
  "end",
  "revoke-one",
  "revoke-all",
  "fail",
  "fail-over",
] as const;

export interface Move {
  readonly kind: (typeof KINDS)[number];
  readonly browser: number;
  readonly user: string;
  readonly isolate: number;
  /** The time since the move before. */
  readonly afterMs: number;
  /** How long the check of credentials, a pause or a fault takes. */
  readonly takesMs: number;
}

export interface SessionSchedule {
  readonly seed: number;
  readonly moves: readonly Move[];
  readonly faults: NetworkFaults;
  /** How far the clock of each isolate is ahead. */
  readonly skewsMs: readonly number[];
}

function movesOf(weights: Readonly<Partial<Record<Move["kind"], number>>>, longestMs: number) {
  const kind = fc.oneof(
    ...Object.entries(weights).map(([name, weight]) => ({
      weight,
      arbitrary: fc.constant(name as Move["kind"]),
    })),
  );
  const move = fc.record({
    kind,
    browser: fc.nat({ max: 2 }),
    user: fc.constantFrom("ada", "bob"),
    isolate: fc.nat({ max: 1 }),
    afterMs: fc.oneof(
      { weight: 6, arbitrary: fc.nat({ max: 400 }) },
      { weight: 2, arbitrary: fc.nat({ max: 4_000 }) },
      { weight: 1, arbitrary: fc.nat({ max: longestMs }) },
    ),
    takesMs: fc.nat({ max: 8_000 }),
  });
  return fc.array(move, { minLength: 15, maxLength: 40 });
}

/** Redis is slow for the whole of a schedule. */
const SLOW: Move = {
  kind: "fail",
  browser: 0,
  user: "ada",
  isolate: 0,
  afterMs: 0,
  takesMs: 600_000,
};

const seed = fc.nat();
const skewsMs = fc.tuple(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -200, max: 200 }));
const share = fc.constantFrom(0, 0.1, 0.3);

/** Schedules in which Redis loses requests and answers, is slow, mixes answers up, and fails over. */
export const roughSessions: fc.Arbitrary<SessionSchedule> = fc.record({
  seed,
  skewsMs,
  faults: fc.record({
    lostRequests: share,
    lostAnswers: share,
    mixedUp: share,
    lateLimits: share,
    maxDelayMs: fc.constantFrom(5, 300, 1_500, 3_000),
  }),
  moves: movesOf(
    {
      "sign-in": 5,
      read: 14,
      "read-later": 3,
      rotate: 2,
      end: 2,
      "revoke-one": 1,
      "revoke-all": 2,
      fail: 2,
      "fail-over": 1,
    },
    40_000,
  ),
});

/** Schedules in which Redis is slow, and isolates are so busy that their time limits fire late. */
export const lateSessions: fc.Arbitrary<SessionSchedule> = fc.record({
  seed,
  skewsMs,
  faults: fc.constant({ ...CALM, lateLimits: 0.9, maxDelayMs: 3_500 }),
  moves: movesOf({ "sign-in": 3, read: 14, end: 2, "revoke-all": 1 }, 600).map((moves) => [
    SLOW,
    ...moves.map((move) => ({ ...move, browser: 0 })),
  ]),
});

/** Schedules in which sessions are used until their longest time is over. */
export const longSessions: fc.Arbitrary<SessionSchedule> = fc.record({
  seed,
  skewsMs,
  faults: fc.constant(CALM),
  moves: movesOf({ "sign-in": 1, read: 12, rotate: 1 }, 4_000).map((moves) =>
    [...moves, ...moves, ...moves].map((move) => ({ ...move, afterMs: move.afterMs + 1_000 })),
  ),
});

/** Schedules in which Redis works. */
export const calmSessions: fc.Arbitrary<SessionSchedule> = fc.record({
  seed,
  skewsMs,
  faults: fc.constant(CALM),
  moves: movesOf(
    { "sign-in": 4, read: 9, "read-later": 3, rotate: 2, end: 2, "revoke-one": 1, "revoke-all": 1 },
    40_000,
  ),
});

/** Schedules of one user whose sign-ins, rotations and revocations overlap. */
export const racingSessions: fc.Arbitrary<SessionSchedule> = fc.record({
  seed,
  skewsMs,
  faults: fc.constant({ ...CALM, maxDelayMs: 400 }),
  moves: movesOf({ "sign-in": 3, rotate: 3, "revoke-all": 3, read: 6 }, 1_500).map((moves) => [
    SLOW,
    ...moves.map((move) => ({
      ...move,
      user: "ada",
      afterMs: move.afterMs % 300,
      takesMs: move.takesMs % 50,
    })),
  ]),
});
