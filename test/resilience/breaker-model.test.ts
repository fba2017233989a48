/** Any sequence of calls, pauses and clock changes, compared with a model that keeps every call. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AdmittedCall, CallOutcome } from "../../src/core/breaker.ts";
import { createBreaker } from "../../src/resilience/breaker.ts";

const RULES = {
  failures: 3,
  minCalls: 5,
  failureRate: 0.5,
  slowRate: 0.8,
  slowMs: 250,
  windowMs: 10_000,
  openForMs: 1_000,
  maxOpenForMs: 5_000,
} as const;
const TIMEOUT_MS = 1_000;
const SLACK_MS = 500;
const PART_MS = RULES.windowMs / 10;

type Step =
  | { readonly kind: "begin" }
  | { readonly kind: "end"; readonly which: number; readonly outcome: CallOutcome }
  | { readonly kind: "pause"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "begin" } as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      which: fc.nat({ max: 5 }),
      outcome: fc.constantFrom<CallOutcome>("answered", "failed", "failed", "ignored"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("pause" as const),
      ms: fc.oneof(fc.nat({ max: 400 }), fc.nat({ max: 6_000 })),
    }),
  },
);

interface Ended {
  readonly at: number;
  readonly failed: boolean;
  readonly slow: boolean;
  readonly startedAt: number;
}

/** The rules over the list of all calls that ended since the breaker closed. */
function shouldOpen(ended: readonly Ended[], at: number): boolean {
  let streak = 0;
  let troubleAt = Number.NEGATIVE_INFINITY;
  for (const call of ended) {
    const isTrouble = call.failed || call.slow;
    if (!isTrouble) streak = 0;
    else if (call.failed || call.startedAt >= troubleAt) streak++;
    if (isTrouble) troubleAt = call.at;
  }
  if (streak >= RULES.failures) return true;
  const partOf = (time: number): number => Math.floor(time / PART_MS);
  for (let parts = 2; parts <= 10; parts++) {
    const newest = ended.filter((call) => partOf(call.at) > partOf(at) - parts);
    if (newest.length < RULES.minCalls) continue;
    const share = (is: (call: Ended) => boolean): number =>
      newest.filter(is).length / newest.length;
    return (
      share(({ failed }) => failed) >= RULES.failureRate ||
      share(({ slow }) => slow) >= RULES.slowRate
    );
  }
  return false;
}

function run(steps: readonly Step[]) {
  let time = 1_000_000;
  const breaker = createBreaker({
    ...RULES,
    name: "sql",
    dependency: "origin",
    callTimeoutMs: TIMEOUT_MS,
    now: () => time,
    random: () => 0,
    onChange: () => undefined,
  });
  const running: { call: AdmittedCall; startedAt: number; period: number }[] = [];
  let ended: Ended[] = [];
  let period = 0;
  let openedAt = 0;
  let probes: number[] = [];
  let expected = "closed";

  const check = (): void => {
    const { state } = breaker.status();
    expect(state).toBe(expected);
  };
  const enter = (state: string): void => {
    expected = state;
    period++;
    ended = [];
  };

  for (const one of steps) {
    if (one.kind === "pause") time += one.ms;
    if (one.kind === "begin") {
      const begun = breaker.begin();
      if (begun.ok) {
        if (expected === "open") {
          // The first open time is 1 s; it grows, and is never above 5 s.
          expect(time - openedAt).toBeGreaterThanOrEqual(RULES.openForMs);
          enter("half-open");
        }
        if (expected === "half-open") {
          probes = [...probes.filter((at) => time - at < 1_000), time];
          expect(probes.length).toBeLessThanOrEqual(2);
        }
        running.push({ call: begun.value, startedAt: time, period });
      } else {
        expect(expected).not.toBe("closed");
        if (expected === "open") expect(time - openedAt).toBeLessThan(RULES.maxOpenForMs);
      }
    }
    if (one.kind === "end" && running.length > 0) {
      const [call] = running.splice(one.which % running.length, 1);
      call?.call.end(one.outcome);
      if (call !== undefined && call.period === period && one.outcome !== "ignored") {
        const failed = one.outcome === "failed";
        const ms = time - call.startedAt;
        const slow = ms >= RULES.slowMs && ms <= TIMEOUT_MS + SLACK_MS;
        if (expected === "half-open") {
          enter(failed || slow ? "open" : "closed");
          openedAt = time;
        } else {
          ended.push({ at: time, failed, slow, startedAt: call.startedAt });
          if (shouldOpen(ended, time)) {
            enter("open");
            openedAt = time;
          }
        }
      }
    }
    check();
  }
  return { breaker, expected: () => expected, advance: (ms: number) => void (time += ms) };
}

describe("a breaker and its model", () => {
  it("a breaker opens, probes and closes as a model does that keeps every call", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { breaker, expected } = run(steps);
        expect(breaker.status().state).toBe(expected());
      }),
      { numRuns: 500 },
    );
  });

  it("after any sequence of calls, of which some never end, a dependency that answers closes the breaker", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.constantFrom(0, -3_600_000, 3_600_000),
        (steps, jump) => {
          const { breaker, advance } = run(steps);
          advance(jump);
          // The longest open time, or the time limit of the abandoned probes.
          advance(RULES.maxOpenForMs + TIMEOUT_MS + SLACK_MS);
          const probe = breaker.begin();
          expect(probe.ok).toBe(true);
          if (probe.ok) probe.value.end("answered");
          expect(breaker.status().state).toBe("closed");
        },
      ),
      { numRuns: 300 },
    );
  });
});
