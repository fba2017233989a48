/** The breaker of an origin of the data cache: an HTTP origin, or a database. */
import type { Breaker } from "../core/breaker.ts";
import { createBreaker, type BreakerOptions } from "../resilience/breaker.ts";

/** The defaults of the whole Worker: it reads them from the options `breaker`. */
export const ORIGIN_BREAKER = {
  failures: 10,
  minCalls: 20,
  failureRate: 0.5,
  // A slow origin still answers.
  slowRate: undefined,
  windowMs: 10_000,
  openForMs: 1_000,
  maxOpenForMs: 5_000,
} as const;

/** Creates the breaker of one origin. A call is slow from half of its time limit on. */
export function createOriginBreaker(
  options: Pick<BreakerOptions, "name" | "callTimeoutMs" | "now" | "random" | "onChange"> &
    Partial<Pick<BreakerOptions, "failures" | "probe">>,
): Breaker {
  return createBreaker({
    ...ORIGIN_BREAKER,
    slowMs: options.callTimeoutMs / 2,
    dependency: "origin",
    ...options,
  });
}
