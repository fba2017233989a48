/** Builds the breakers of one layer: one for each dependency, and one for each HTTP origin. */
import type { BreakerName, BreakerReport } from "../core/breaker.ts";
import type { BreakerChange } from "../core/events.ts";
import type { Dependency } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";
import type { Settings } from "../config/settings.ts";
import { MAX_ORIGINS } from "../http/proxy/proxy-limits.ts";
import type { Platform } from "../platform.ts";
import { createBreakerTable, type BreakerTable } from "../resilience/breaker-table.ts";
import { createBreaker, type BreakerRules } from "../resilience/breaker.ts";
import { withTimeout } from "../resilience/deadline.ts";
import type { Breaker } from "../core/breaker.ts";

/** The breakers of a layer by their names. Those of the HTTP origins are a table. */
export interface Breakers extends Record<BreakerName, BreakerReport> {
  readonly redis: Breaker;
  readonly limiter: Breaker;
  readonly session: Breaker;
  readonly flight: Breaker;
  readonly log: Breaker;
  readonly sql: Breaker;
  readonly http: BreakerTable;
  readonly model: Breaker;
}

/** The requests without effect that the breakers send as probes. */
export interface Probes {
  readonly redis: () => Promise<Result<unknown>>;
  readonly limiter: () => Promise<Result<unknown>>;
  readonly sql: () => Promise<Result<unknown>>;
  readonly flight: () => Promise<Result<unknown>>;
}

/**
 * The longest wait of a writer for its group: two hops to the log object, 50 ms there, and the
 * script. Then the writer runs the script itself.
 */
export const GROUP_TIMEOUT_MS: Millis = 500;

/** A call of an origin is slow from this part of its time limit on. */
const SLOW_PART = 0.5;

/**
 * Creates the breakers. Slow calls open the breaker of the cache's Redis only: memory, the edge and
 * the origin answer without it. A slow database still answers, a slow ledger still decides, and a slow
 * store of sessions still knows them; without them, requests would be refused.
 */
export function composeBreakers(
  { breaker, redis, limits, sessions, flights, origin, answers }: Settings,
  probes: Probes,
  { now, random }: Platform,
  onChange: (change: BreakerChange) => void,
): Breakers {
  function create(
    name: BreakerName,
    dependency: Dependency,
    callTimeoutMs: Millis,
    rules: Partial<BreakerRules>,
    probe?: () => Promise<Result<unknown>>,
  ): Breaker {
    return createBreaker({
      ...breaker,
      slowRate: undefined,
      slowMs: callTimeoutMs * SLOW_PART,
      ...rules,
      name,
      dependency,
      callTimeoutMs,
      ...(probe && { probe }),
      withTimeout,
      now,
      random,
      onChange,
    });
  }

  const { slowRate, slowRedisMs: slowMs } = breaker;
  const ofOrigin = { failures: breaker.originFailures };
  // A join waits for the load of another isolate, so that its duration says nothing of the object.
  const ofFlights = { slowMs: Infinity };
  const http = (callTimeoutMs: Millis) => create("http", "origin", callTimeoutMs, ofOrigin);
  return {
    redis: create("redis", "redis", redis.timeoutMs, { slowRate, slowMs }, probes.redis),
    limiter: create("limiter", "redis", limits.timeoutMs, { slowMs }, probes.limiter),
    session: create("session", "redis", sessions.timeoutMs, { slowMs }),
    flight: create("flight", "flight", flights.grantTimeoutMs, ofFlights, probes.flight),
    log: create("log", "log", GROUP_TIMEOUT_MS, {}),
    sql: create("sql", "origin", origin.sqlTimeoutMs, ofOrigin, probes.sql),
    http: createBreakerTable(http, MAX_ORIGINS),
    // An answer may take long to begin, so that its duration says little.
    model: create("model", "origin", answers.firstPieceTimeoutMs, {
      ...ofOrigin,
      slowMs: Infinity,
    }),
  };
}
