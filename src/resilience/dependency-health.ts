import type { DependencyReport, DependencyState } from "../core/degradation.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** The result of a check of a dependency. `hung`: no answer at all within its time limit. */
export type CheckResult = "ok" | "slow" | "failed" | "hung";

/** The checks of the last `WINDOW_MS` decide. */
const WINDOW_MS: Millis = 5_000;
/**
 * A dependency is down after this many failed checks, and slow after this many slow ones, if they are
 * more than half of all. With 5 failures in 100 checks, one a second, that happens about once in two days.
 */
const BAD_CHECKS = 4;
/** A check without an answer counts as several failed ones, because it covers the time of several. */
const HUNG_WEIGHT = 4;
/** A dependency is up again after this time without a sign of a fault, if its last check succeeded. */
const CALM_MS: Millis = 3_000;
/** A check that failed says nothing any more after this time, in which nobody asked again. */
const STALE_MS: Millis = 30_000;
/** The clocks of two requests of an isolate differ by less than this. A check further ahead shows a clock that was set back. */
const SKEW_MS: Millis = 1_000;
/** At most this many checks are kept. */
const MAX_CHECKS = 32;

/**
 * The state of one dependency, from its breaker and from active checks.
 *
 *     unknown ──ok──▶ up ──breaker opens, or checks fail──▶ down
 *        │            ▲│                                    │ ▲
 *        │            │└──────────checks are slow──────▶ slow │
 *        │            └──3 s without a sign of a fault,─────┴─┘
 *        │               and the last check succeeded
 *        └──────────────breaker opens, or checks fail──▶ down
 *
 * It has no timer: it compares times when it is asked.
 */
export interface DependencyHealth {
  /** Adds the result of a check. */
  add(result: CheckResult, at: EpochMs): void;
  /** @param isBroken whether the breaker of the dependency is not closed */
  report(isBroken: boolean, at: EpochMs): DependencyReport;
  /** Whether the last check did not succeed. */
  readonly isSuspected: boolean;
}

interface Check {
  readonly result: CheckResult;
  readonly at: EpochMs;
}

export function createDependencyHealth(): DependencyHealth {
  let state: DependencyState = "unknown";
  let since: EpochMs = 0;
  let checks: Check[] = [];
  let last: Check | undefined;
  let badAt = Number.NEGATIVE_INFINITY;

  function change(next: DependencyState, at: EpochMs): void {
    if (next === state) return;
    state = next;
    since = at;
  }

  function weightOf(results: readonly CheckResult[]): number {
    return checks.reduce(
      (sum, { result }) =>
        results.includes(result) ? sum + (result === "hung" ? HUNG_WEIGHT : 1) : sum,
      0,
    );
  }

  function recover(ok: number, at: EpochMs): void {
    if (state === "unknown" ? ok === 0 : state === "up") return;
    change("up", at);
    // The checks before the recovery count no more. A report by a clock that is a little behind would count it again.
    checks = [];
  }

  return {
    add(result, at) {
      last = { result, at };
      checks.push(last);
      if (checks.length > MAX_CHECKS) checks.shift();
      if (result !== "ok") badAt = at;
    },

    report(isBroken, at) {
      checks = checks.filter((check) => isWithin(WINDOW_MS, check, at));
      if (last !== undefined && !isWithin(STALE_MS, last, at)) last = undefined;
      if (badAt > at + SKEW_MS || isBroken) badAt = at;
      const ok = weightOf(["ok"]);
      const failed = weightOf(["failed", "hung"]);
      const slow = failed + weightOf(["slow"]);
      const isCalm = at - badAt >= CALM_MS && (last === undefined || last.result === "ok");
      if (isBroken) change("down", at);
      else if (isCalm) recover(ok, at);
      else if (failed >= BAD_CHECKS && failed > ok) change("down", at);
      else if (slow >= BAD_CHECKS && slow > ok) change("slow", at);
      else if (state === "unknown" && ok > 0) change("up", at);
      return { state, since };
    },

    get isSuspected() {
      return last !== undefined && last.result !== "ok";
    },
  };
}

function isWithin(ms: Millis, check: Check, at: EpochMs): boolean {
  return check.at <= at + SKEW_MS && at - check.at < ms;
}
