import type { Millis } from "../core/time.ts";

/** A wait that outlived its deadline. */
export class DeadlineExceeded extends Error {
  constructor(ms: Millis) {
    super(`no answer within ${ms} ms`);
    this.name = "DeadlineExceeded";
  }
}

/**
 * `work`, or a rejection with DeadlineExceeded after `ms`. The timer is this
 * request's own, so a promise that another request resolves can be waited for:
 * without pending I/O of its own the runtime would end the request.
 */
export async function within<T>(work: Promise<T>, ms: Millis): Promise<T> {
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
