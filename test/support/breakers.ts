/** Breakers for tests of the parts that use them. */
import type { Breaker, BreakerName } from "../../src/core/breaker.ts";
import { createBreaker, type BreakerOptions } from "../../src/resilience/breaker.ts";

/** A breaker that opens after two failures in a row, for one second. Its clock stands still by default. */
export function createTestBreaker(options: Partial<BreakerOptions> = {}): Breaker {
  return createBreaker({
    name: "redis",
    dependency: "redis",
    failures: 2,
    minCalls: 100,
    failureRate: 0.5,
    slowRate: undefined,
    slowMs: 250,
    windowMs: 10_000,
    openForMs: 1_000,
    maxOpenForMs: 5_000,
    callTimeoutMs: 1_000,
    now: () => 0,
    random: () => 0,
    onChange: () => undefined,
    ...options,
  });
}

export function createTestBreakers(
  options: Partial<BreakerOptions> = {},
): Record<BreakerName, Breaker> {
  const create = (name: BreakerName) => createTestBreaker({ ...options, name });
  return {
    redis: create("redis"),
    limiter: create("limiter"),
    session: create("session"),
    flight: create("flight"),
    log: create("log"),
    sql: create("sql"),
    http: create("http"),
    model: create("model"),
  };
}
