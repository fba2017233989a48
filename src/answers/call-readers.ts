/** The readers of one call of a model, as far as they can end it. */

export interface CallReaders {
  /** Adds a reader, who leaves when the signal aborts. A reader without a signal stays until the call is over. */
  add(signal: AbortSignal | undefined): void;
  /** Whether all readers have left. */
  readonly areGone: boolean;
  /** Resolves when the last reader leaves. The request that makes the call waits for it. */
  readonly gone: Promise<void>;
}

export function createCallReaders(): CallReaders {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  let readers = 0;
  let areGone = false;

  function leave(): void {
    readers -= 1;
    if (readers > 0) return;
    areGone = true;
    resolve();
  }

  return {
    gone,
    add(signal) {
      readers += 1;
      if (signal === undefined) return;
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
    },
    get areGone() {
      return areGone;
    },
  };
}
