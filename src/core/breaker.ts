/** The port to a circuit breaker, and what a breaker reports of itself. */
import type { Fault } from "./faults.ts";
import type { Result } from "./result.ts";
import type { EpochMs } from "./time.ts";

/**
 * The dependencies that have a breaker of their own: Redis for the cache, Redis for the rate
 * limiter, Redis for sessions, the flight objects, the log objects that number groups, Postgres, the HTTP
 * origins of the proxy, and the model of `LLM_BASE_URL`.
 */
export type BreakerName =
  | "redis"
  | "limiter"
  | "session"
  | "flight"
  | "log"
  | "sql"
  | "http"
  | "model";

export type BreakerState = "closed" | "open" | "half-open";

/** The state of a breaker, and the rates of its window. It is read without I/O. */
export interface BreakerStatus {
  readonly state: BreakerState;
  /** The instant at which the state began. */
  readonly since: EpochMs;
  /** The number of calls in the window. */
  readonly calls: number;
  /** The share of these calls that failed, from 0 to 1. It is 0 if there was no call. */
  readonly failureRate: number;
  /** The share of these calls that were slow, from 0 to 1. It is 0 if there was no call. */
  readonly slowRate: number;
}

/** Reports the state of one breaker, or of the worst of several. */
export interface BreakerReport {
  status(): BreakerStatus;
}

/** How a call ended. `ignored`: it says nothing about the dependency. */
export type CallOutcome = "answered" | "failed" | "ignored";

/** A call that the breaker lets through. */
export interface AdmittedCall {
  /** Records the end of the call. A call that never ends is forgotten after its time limit. */
  end(outcome: CallOutcome): void;
}

/** Keeps work alive after the response. */
export type Defer = (work: Promise<unknown>) => void;

export interface Breaker extends BreakerReport {
  /**
   * Lets a call through, or returns the fault `<dependency>.open`. With `defer`, the call is never
   * the probe of a half-open breaker: the breaker sends a probe of its own in the background, and
   * refuses the call. A breaker without a probe of its own ignores `defer`.
   */
  begin(defer?: Defer): Result<AdmittedCall>;
  /** Runs a call, or returns the fault of a breaker that is open. `defer` is as for `begin`. */
  run<T>(call: () => Promise<Result<T>>, defer?: Defer): Promise<Result<T>>;
}

/** Returns how a call ended. A dependency that rejects a call, or is asked for nonsense, works. */
export function outcomeOf(fault: Fault | undefined): CallOutcome {
  if (fault === undefined) return "answered";
  const failed = fault.code.endsWith(".timeout") || fault.code.endsWith(".unavailable");
  if (failed) return "failed";
  return fault.code.endsWith(".rejected") ? "answered" : "ignored";
}
