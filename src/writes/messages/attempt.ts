/** The decisions about a message whose attempt failed. */
import type { Fault } from "../../core/faults.ts";
import type { Millis } from "../../core/time.ts";

export interface AttemptLimits {
  /** The attempts after which a message is given up that the database refuses. */
  readonly maxAttempts: number;
  /** The pause after the first attempt. It doubles with each further attempt, up to `maxRetryMs`. */
  readonly retryMs: Millis;
  readonly maxRetryMs: Millis;
}

/**
 * Returns whether a message is given up after this attempt. In an outage it is not: another attempt
 * may succeed, because the message is not the cause. The platform's own limit ends the attempts then.
 *
 * @param attempts the number of deliveries so far, this one included
 */
export function isGivenUp(attempts: number, cause: Fault, { maxAttempts }: AttemptLimits): boolean {
  return !isOutage(cause) && attempts >= maxAttempts;
}

/** Returns the seconds until the next attempt. */
export function pauseSeconds(attempts: number, { retryMs, maxRetryMs }: AttemptLimits): number {
  const doublings = Math.min(30, Math.max(0, attempts - 1));
  return Math.ceil(Math.min(maxRetryMs, retryMs * 2 ** doublings) / 1000);
}

/** Whether the fault says nothing about the message: no answer, or a rollback that may be repeated. */
export function isOutage({ code, retryAfterMs }: Fault): boolean {
  return code !== "origin.rejected" || retryAfterMs !== undefined;
}
