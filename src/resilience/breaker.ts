import { failed, type Dependency } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Clock, Millis } from "../core/time.ts";

export interface BreakerOptions {
  readonly dependency: Dependency;
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open before one call may try again. */
  readonly openMs: Millis;
}

export interface Breaker {
  run<T>(now: Clock, call: () => Promise<Result<T>>): Promise<Result<T>>;
}

/**
 * Stops calling what does not answer. No timers: the isolate's clock is read at
 * each call, since a timer would belong to one request and die with it.
 *
 * @see Nygard, "Release It!", circuit breaker.
 */
export function createBreaker({ dependency, failures, openMs }: BreakerOptions): Breaker {
  let streak = 0;
  let retryAt = 0;

  return {
    async run(now, call) {
      if (streak >= failures) {
        const waitMs = retryAt - now();
        // Longer than it is ever open is a clock that was set back.
        if (waitMs > 0 && waitMs <= openMs)
          return failed(`${dependency}.open`, "not called: it failed just now");
        // This call is the probe; others go on failing fast until it has answered.
        retryAt = now() + openMs;
      }
      const result = await call();
      // A refusal is an answer: the dependency is alive.
      if (result.ok || result.fault.code.endsWith(".rejected")) streak = 0;
      else {
        streak++;
        retryAt = now() + openMs;
      }
      return result;
    },
  };
}
