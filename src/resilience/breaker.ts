import type { Breaker, BreakerName, BreakerState, CallOutcome, Defer } from "../core/breaker.ts";
import { outcomeOf } from "../core/breaker.ts";
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import type { BreakerChange } from "../core/events.ts";
import { done, fault, type Dependency } from "../core/faults.ts";
import type { Random } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";
import { createCallWindow } from "./call-window.ts";

/** The rules by which a breaker opens and closes. */
export interface BreakerRules {
  /** The breaker opens after this many failures in a row. A slow call counts too if `slowRate` is set. */
  readonly failures: number;
  /** The rates decide from this many calls on. */
  readonly minCalls: number;
  /** The breaker opens at this share of failed calls. */
  readonly failureRate: number;
  /** The breaker opens at this share of slow calls. Undefined: slow calls are counted, and open nothing. */
  readonly slowRate: number | undefined;
  /** A call that takes at least this long is slow. */
  readonly slowMs: Millis;
  readonly windowMs: Millis;
  /** The breaker stays open for at most this long at first, and for twice as long after each probe that fails. */
  readonly openForMs: Millis;
  readonly maxOpenForMs: Millis;
}

export interface BreakerOptions extends BreakerRules {
  readonly name: BreakerName;
  /** The first part of the code of the fault that a refused call gets. */
  readonly dependency: Dependency;
  /** The time limit of one call. A probe that takes longer counts as abandoned. */
  readonly callTimeoutMs: Millis;
  /**
   * Sends a request without effect, for callers that must not wait for a probe. Default: the first
   * calls after the open time are the probes.
   */
  readonly probe?: () => Promise<Result<unknown>>;
  /** Ends the wait of a reader for a slow call that opens the breaker. Without it, the reader waits for the call's end. */
  readonly withTimeout?: WithTimeout;
  readonly now: Clock;
  readonly random: Random;
  readonly onChange: (change: BreakerChange) => void;
}

/** Probes start at least this far apart: at most two a second. */
const PROBE_GAP_MS: Millis = 500;
/** The most probes that run at the same time. */
const MAX_PROBES = 2;
/** An abandoned probe is forgotten this long after its time limit. */
const PROBE_SLACK_MS: Millis = 500;
/** The open time is shortened by up to this part at random, so that isolates do not probe together. */
const JITTER = 0.5;
/** The open time is doubled at most this often. */
const MAX_DOUBLINGS = 20;

interface Call {
  readonly startedAt: EpochMs;
  /** The number of state changes before the call. A later change makes its end meaningless. */
  readonly period: number;
  /** Whether the breaker opens if this call is slow. */
  readonly isLastSign: boolean;
}

/**
 * Stops calls to a dependency that fails or is slow, for a while.
 *
 * ```
 *              failures in a row,
 *              or a rate in the window
 *   ┌────────┐ ───────────────────────▶ ┌──────┐
 *   │ closed │                          │ open │ ◀──────────────┐
 *   └────────┘                          └──────┘                │
 *       ▲                                   │ a call after      │ a probe fails:
 *       │                                   ▼ the open time     │ the open time doubles
 *       │        a probe is answered   ┌───────────┐            │
 *       └───────────────────────────── │ half-open │ ───────────┘
 *                                      └───────────┘
 * ```
 *
 * - Closed: all calls go through. Failures and slow calls are counted in a sliding window.
 * - Open: calls get the fault `<dependency>.open` at once.
 * - Half-open: probes go through, at most two a second, and other calls are refused. A probe that
 *   never ends is forgotten after its time limit.
 *
 * The breaker compares instants at each call, because a timer belongs to one request and ends with
 * it. If the clock was set back, the open time and the probes end at once. There is one timer: if one
 * more slow call opens the breaker, it opens after `slowMs` of that call, and its readers wait no longer.
 *
 * @see Nygard, "Release It!", circuit breaker.
 */
export function createBreaker(options: BreakerOptions): Breaker {
  const { name, dependency, callTimeoutMs, probe, withTimeout, now, random, onChange } = options;
  const { failures, minCalls, failureRate, slowRate, slowMs, windowMs } = options;
  const { openForMs } = options;
  const maxOpenForMs = Math.max(openForMs, options.maxOpenForMs);
  const window = createCallWindow(windowMs);
  let state: BreakerState = "closed";
  let since: EpochMs = now();
  let period = 0;
  let streak = 0;
  /** The end of the last failed or slow call. */
  let troubleAt: EpochMs = Number.NEGATIVE_INFINITY;
  let openMs: Millis = 0;
  let doublings = 0;
  const probes = new Set<Call>();
  let probedAt: EpochMs = Number.NEGATIVE_INFINITY;

  function status() {
    const { calls, failures: failed, slow } = window.counts(now());
    const rateOf = (part: number): number => (calls === 0 ? 0 : part / calls);
    return { state, since, calls, failureRate: rateOf(failed), slowRate: rateOf(slow) };
  }

  function become(to: BreakerState, at: EpochMs): void {
    const from = state;
    const { failureRate: failed, slowRate: slow } = status();
    state = to;
    since = at;
    period++;
    streak = 0;
    troubleAt = Number.NEGATIVE_INFINITY;
    probes.clear();
    if (to === "closed") window.clear();
    onChange({ type: "breaker.change", name, from, to, failureRate: failed, slowRate: slow });
  }

  function open(at: EpochMs): void {
    // A dependency that fails again soon after its recovery has not recovered.
    const closedForMs = Math.abs(at - since);
    const isNew = state === "closed" && (period === 0 || closedForMs >= windowMs);
    doublings = isNew ? 0 : Math.min(MAX_DOUBLINGS, doublings + 1);
    openMs = Math.min(maxOpenForMs, openForMs * 2 ** doublings) * (1 - JITTER * random());
    become("open", at);
  }

  /** The time until a probe may start; 0 for now. */
  function untilProbe(at: EpochMs): Millis {
    if (state === "open") return waitOf(since, openMs, at);
    for (const running of probes)
      if (waitOf(running.startedAt, callTimeoutMs + PROBE_SLACK_MS, at) === 0)
        probes.delete(running);
    if (probes.size >= MAX_PROBES) return PROBE_GAP_MS;
    return waitOf(probedAt, PROBE_GAP_MS, at);
  }

  function startProbe(at: EpochMs): Call {
    if (state === "open") become("half-open", at);
    const call = { startedAt: at, period, isLastSign: false };
    probes.add(call);
    probedAt = at;
    return call;
  }

  function end(call: Call, outcome: CallOutcome): void {
    if (call.period !== period) return;
    probes.delete(call);
    if (outcome === "ignored") return;
    const at = now();
    const hasFailed = outcome === "failed";
    const isSlow = isSlowFor(at - call.startedAt);
    const isTrouble = hasFailed || (isSlow && slowRate !== undefined);
    window.add(at, hasFailed, isSlow);
    if (state === "half-open") {
      if (isTrouble) open(at);
      else become("closed", at);
      return;
    }
    if (!isTrouble) streak = 0;
    // Slow calls that ran side by side are one sign of trouble, not several.
    else if (hasFailed || call.startedAt >= troubleAt) streak++;
    if (isTrouble) troubleAt = at;
    if (streak >= failures || exceedsRate(at)) open(at);
  }

  /** Opens the breaker for a call that is slow and has not ended. Returns false if the breaker stays closed. */
  function openEarly(call: Call): boolean {
    const at = now();
    const isNewSign = streak === failures - 1 && call.startedAt >= troubleAt;
    if (call.period === period && isNewSign) {
      window.add(at, false, true);
      open(at);
    }
    return state !== "closed";
  }

  /** A call that took far longer than its time limit shows that the clock was set. */
  function isSlowFor(ms: Millis): boolean {
    return ms >= slowMs && ms <= callTimeoutMs + PROBE_SLACK_MS;
  }

  function exceedsRate(at: EpochMs): boolean {
    const counts = window.newest(at, minCalls);
    if (counts === undefined) return false;
    if (counts.failures >= counts.calls * failureRate) return true;
    return slowRate !== undefined && counts.slow >= counts.calls * slowRate;
  }

  async function sendProbe(send: () => Promise<Result<unknown>>, call: Call): Promise<void> {
    try {
      const result = await send();
      end(call, outcomeOf(result.ok ? undefined : result.fault));
    } catch {
      end(call, "failed");
    }
  }

  function admit(defer: Defer | undefined): Result<Call> {
    const at = now();
    const isLastSign = slowRate !== undefined && streak === failures - 1;
    if (state === "closed") return done({ startedAt: at, period, isLastSign });
    const waitMs = untilProbe(at);
    if (waitMs === 0) {
      const call = startProbe(at);
      if (defer === undefined || probe === undefined) return done(call);
      defer(sendProbe(probe, call));
    }
    return refuse(waitMs || PROBE_GAP_MS);
  }

  function refuse(waitMs: Millis): Result<never> {
    const message = "not called: its last calls failed or were slow";
    return { ok: false, fault: fault(`${dependency}.open`, message, waitMs) };
  }

  async function endOf<T>(work: Promise<Result<T>>, call: Call): Promise<Result<T>> {
    let outcome: CallOutcome = "ignored";
    try {
      const result = await work;
      outcome = outcomeOf(result.ok ? undefined : result.fault);
      return result;
    } finally {
      end(call, outcome);
    }
  }

  return {
    status,
    begin(defer) {
      const admitted = admit(defer);
      if (!admitted.ok) return admitted;
      return done({ end: (outcome: CallOutcome) => end(admitted.value, outcome) });
    },
    async run(send, defer) {
      const admitted = admit(defer);
      if (!admitted.ok) return admitted;
      const call = admitted.value;
      const ended = endOf(send(), call);
      if (defer === undefined || withTimeout === undefined || !call.isLastSign) return ended;
      try {
        return await withTimeout(ended, slowMs);
      } catch (error) {
        if (!isDeadlineExceeded(error) || !openEarly(call)) return ended;
        defer(ended.catch(() => undefined));
        return refuse(openMs);
      }
    },
  };
}

/** The rest of a wait that began at `from`; 0 if it is over, or if the clock was set back before `from`. */
function waitOf(from: EpochMs, waitMs: Millis, at: EpochMs): Millis {
  return at < from ? 0 : Math.max(0, from + waitMs - at);
}
