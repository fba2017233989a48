import { DeadlineExceeded } from "../core/deadline.ts";
import type { Millis } from "../core/time.ts";

/**
 * Returns the result of `work`, or rejects with DeadlineExceeded after `ms` milliseconds. workerd
 * ends a request that waits and has no I/O of its own. The timer is such I/O, so that a request may
 * wait for a promise that another request resolves.
 */
export async function withTimeout<T>(work: Promise<T>, ms: Millis): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceeded(ms)), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
