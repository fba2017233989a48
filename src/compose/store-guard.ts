/** The breakers of a shared store and of flight objects that an application chooses. */
import { count, duration, fraction, type OptionTable } from "../config/option-reader.ts";
import type { Breaker } from "../core/breaker.ts";
import type { Duration } from "../core/duration.ts";
import type { Dependency } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Millis } from "../core/time.ts";
import type { SharedParts } from "../data/shared.ts";
import { createBreaker } from "../resilience/breaker.ts";
import { withBreaker } from "../resilience/store-breaker.ts";

/** The circuit breaker of a shared store. */
export interface BreakerOptions {
  /** The breaker opens after this many failures in a row. @default 3 */
  readonly failures?: number;
  /** Duration from which on a call is slow. @default "250ms" */
  readonly slow?: Duration;
  /** Time that the breaker stays open before it tries again. @default "1s" */
  readonly openFor?: Duration;
  /** The longest time that it stays open. @default "5s" */
  readonly maxOpenFor?: Duration;
  /** Time span of the calls that the two rates are computed from. @default "10s" */
  readonly window?: Duration;
  /** The rates open the breaker from this many calls in the window on. @default 20 */
  readonly minCalls?: number;
  /** The share of failed calls in the window at which the breaker opens. @default 0.5 */
  readonly failureRate?: number;
  /** The share of slow calls in the window at which the breaker opens. @default 0.8 */
  readonly slowRate?: number;
}

/** The checked options of a breaker. */
export interface BreakerSettings {
  readonly failures: number;
  readonly slowMs: Millis;
  readonly openForMs: Millis;
  readonly maxOpenForMs: Millis;
  readonly windowMs: Millis;
  readonly minCalls: number;
  readonly failureRate: number;
  readonly slowRate: number;
}

const MINUTE_MS: Millis = 60_000;

/** The rule for each option of a breaker, with its default. */
export const BREAKER_RULES: OptionTable<{ breaker?: BreakerOptions }>["breaker"] = {
  failures: count(3, 1, 1_000),
  slow: duration("250ms", 1, MINUTE_MS),
  openFor: duration("1s", 1, MINUTE_MS),
  maxOpenFor: duration("5s", 1, MINUTE_MS),
  window: duration("10s", 100, MINUTE_MS),
  minCalls: count(20, 1, 10_000),
  failureRate: fraction(0.5, 0.01, 1),
  slowRate: fraction(0.8, 0.01, 1),
};

export interface GuardParts extends Pick<SharedParts, "now" | "random" | "emit"> {
  readonly breaker: BreakerSettings;
  /** The time limit of one call. */
  readonly timeoutMs: Millis;
  /** Sends a request without effect, to find out whether the dependency works again. */
  readonly probe: () => Promise<Result<unknown>>;
}

/**
 * Puts a shared store behind a breaker of its own. `dependency` begins the code of the fault of a
 * refused call.
 */
export function guardStore(
  store: SharedStore,
  { breaker, ...parts }: GuardParts,
  dependency: "redis" | "store" = "redis",
): SharedStore {
  return withBreaker(store, createGuard("redis", breaker, parts, dependency));
}

/** Creates the breaker of flight objects. A join waits for the load of another isolate, so slow calls do not count. */
export function guardFlights({ breaker, ...parts }: GuardParts): Breaker {
  return createGuard(
    "flight",
    { ...breaker, slowMs: Infinity, slowRate: undefined },
    parts,
    "flight",
  );
}

/**
 * Creates the breaker of a ledger: `redis` or, in Durable Objects, `store`. A slow ledger still decides, so slow
 * calls do not count.
 */
export function guardLedger(
  { breaker, ...parts }: GuardParts,
  dependency: "redis" | "store",
): Breaker {
  return createGuard(
    "limiter",
    { ...breaker, slowMs: Infinity, slowRate: undefined },
    parts,
    dependency,
  );
}

/**
 * Creates the breaker of an object with sessions. A slow object still knows its sessions, so slow calls do not
 * count. The first calls after the open time are the probes.
 */
export function guardSessions({ breaker, ...parts }: Omit<GuardParts, "probe">): Breaker {
  return createGuard(
    "session",
    { ...breaker, slowMs: Infinity, slowRate: undefined },
    parts,
    "store",
  );
}

function createGuard(
  name: "redis" | "flight" | "limiter" | "session",
  rules: Omit<BreakerSettings, "slowRate"> & { readonly slowRate: number | undefined },
  {
    timeoutMs,
    probe,
    now,
    random,
    emit,
  }: Omit<GuardParts, "breaker" | "probe"> & Partial<GuardParts>,
  dependency: Dependency,
): Breaker {
  return createBreaker({
    ...rules,
    name,
    dependency,
    callTimeoutMs: timeoutMs,
    ...(probe && { probe }),
    now,
    random,
    onChange: emit,
  });
}
