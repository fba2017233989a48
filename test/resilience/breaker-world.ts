/** A breaker on a clock that a test advances. */
import { vi } from "vitest";
import type { Defer } from "../../src/core/breaker.ts";
import type { BreakerChange } from "../../src/core/events.ts";
import { failed, type FaultCode } from "../../src/core/faults.ts";
import type { Result } from "../../src/core/result.ts";
import { createBreaker, type BreakerOptions } from "../../src/resilience/breaker.ts";

export const OPEN_MS = 1_000;
const MAX_OPEN_MS = 5_000;
export const WINDOW_MS = 10_000;
export const TIMEOUT_MS = 1_000;
export const SLOW_MS = 250;

export function createBreakerWorld(options: Partial<BreakerOptions> = {}) {
  let time = 50_000;
  const changes: BreakerChange[] = [];
  const breaker = createBreaker({
    name: "redis",
    dependency: "redis",
    failures: 3,
    minCalls: 20,
    failureRate: 0.5,
    slowRate: 0.8,
    slowMs: SLOW_MS,
    windowMs: WINDOW_MS,
    openForMs: OPEN_MS,
    maxOpenForMs: MAX_OPEN_MS,
    callTimeoutMs: TIMEOUT_MS,
    now: () => time,
    random: () => 0,
    onChange: (change) => void changes.push(change),
    ...options,
  });
  const advance = (ms: number): void => {
    time += ms;
  };
  const ok = vi.fn<() => Promise<Result<string>>>(async () => ({ ok: true, value: "answer" }));
  const world = {
    breaker,
    changes,
    advance,
    ok,
    call: () => breaker.run(ok),
    /** A call that takes `ms` milliseconds. */
    take: (ms: number) =>
      breaker.run(async () => {
        advance(ms);
        return ok();
      }),
    fail: (code: FaultCode = "redis.timeout") => breaker.run(async () => failed(code, "no")),
    async open() {
      for (let i = 0; i < 3; i++) await world.fail();
    },
    /** Starts a call that does not end before `end` is called. */
    hang: (defer?: Defer) => {
      const { promise, resolve } = Promise.withResolvers<Result<string>>();
      const result = breaker.run(() => promise, defer);
      return { result, end: () => resolve({ ok: true, value: "late" }) };
    },
    state: () => breaker.status().state,
  };
  return world;
}

/** The result of a refused call. */
export const OPEN = { ok: false, fault: { code: "redis.open" } };
