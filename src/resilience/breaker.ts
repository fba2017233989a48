import { failed, type Dependency } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Clock, Millis } from "../core/time.ts";

export interface BreakerOptions {
  readonly dependency: Dependency;
  /** The breaker opens after this many failures in a row. */
  readonly failures: number;
  /** The breaker stays open for this long. After that, one call may probe the dependency. */
  readonly openMs: Millis;
}

export interface Breaker {
  /** Runs `call`. While the breaker is open it returns the fault `<dependency>.open` at once instead. */
  run<T>(now: Clock, call: () => Promise<Result<T>>): Promise<Result<T>>;
}

/**
 * Stops calls to a dependency that fails, for a while. It compares times at each call and sets no
 * timer, because a timer belongs to one request and ends with it.
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
        // A wait longer than `openMs` means that the clock was set back. The call is then made.
        if (waitMs > 0 && waitMs <= openMs)
          return failed(`${dependency}.open`, "not called: its last calls failed");
        // This call is the probe. Other calls fail at once until it has ended.
        retryAt = now() + openMs;
      }
      const result = await call();
      // A fault `rejected` means that the dependency answered, so it works.
      if (result.ok || result.fault.code.endsWith(".rejected")) streak = 0;
      else {
        streak++;
        retryAt = now() + openMs;
      }
      return result;
    },
  };
}
