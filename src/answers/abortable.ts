/** Ends the waits of a reader whose signal aborts. What the reader waited for goes on. */
import type { Feed } from "../core/answers.ts";

/**
 * Returns the result of `work`, or rejects with the reason of the signal. `late` gets a result that comes after
 * that.
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  late: (result: T) => void,
): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    work.then(late, () => undefined);
    aborted.reject(signal.reason);
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Returns a feed that its reader leaves when the signal aborts. */
export function abortableFeed<P, I>(feed: Feed<P, I>, signal: AbortSignal | undefined): Feed<P, I> {
  if (signal === undefined) return feed;
  signal.addEventListener("abort", () => feed.cancel(), { once: true });
  return {
    next: () => untilAborted(feed.next(), signal, () => undefined),
    cancel: () => feed.cancel(),
  };
}
