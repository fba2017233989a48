import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { done, failed, messageOf } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";

/** Calls objects of the shared store, the ledger or the sessions. A failure is a fault `store.*`. */
export async function attemptObject<T>(
  work: () => Promise<T>,
  withTimeout: WithTimeout,
  timeoutMs: Millis,
): Promise<Result<T>> {
  try {
    return done(await withTimeout(work(), timeoutMs));
  } catch (error) {
    return failed(
      isDeadlineExceeded(error) ? "store.timeout" : "store.unavailable",
      messageOf(error),
    );
  }
}
