/** The calls of the Workers Cache API, with a time limit. */
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { done, failed, messageOf } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";

/** Makes a call of the Cache API. A failure and a call that takes too long are faults. */
export async function callCache<T>(
  work: () => Promise<T>,
  timeoutMs: Millis,
  withTimeout: WithTimeout,
): Promise<Result<T>> {
  try {
    return done(await withTimeout(work(), timeoutMs));
  } catch (error) {
    return failed(
      isDeadlineExceeded(error) ? "edge.timeout" : "edge.unavailable",
      messageOf(error),
    );
  }
}
