import type { Clock, EpochMs, Millis } from "../../core/time.ts";

export interface FlushLoopOptions {
  /** Sends the items that wait. Never rejects. */
  readonly run: () => Promise<void>;
  readonly isEmpty: () => boolean;
  /** Returns true if the loop should send now, without waiting for the interval. Default: never. */
  readonly isFull?: () => boolean;
  /** The milliseconds between the starts of two runs. */
  readonly everyMs: Millis;
  readonly now: Clock;
  readonly sleep: (ms: Millis) => Promise<void>;
}

export interface FlushLoop {
  /**
   * The instant at which the present loop started; -Infinity if there is none. For HANDOVER_MS
   * after it, a caller need not call `start` unless the queue is full.
   */
  readonly startedAt: EpochMs;
  /** Makes sure that a loop runs. Every request that adds an item to send calls this. */
  start(at: EpochMs, waitUntil: (work: Promise<unknown>) => void): void;
}

/**
 * A loop that started this long ago is replaced by the next request, because the platform may have
 * ended the request of that loop.
 */
export const HANDOVER_MS = 5_000;
/** A loop ends after this long, because the platform ends background work 30 s after the response. */
const LIFE_MS = 20_000;

/**
 * Sends in the background of requests, because the platform runs no timers between requests. The
 * first request with an item to send starts a loop. The loop sends at once, and then sends the
 * items of other requests. If the platform ends the loop early, a later request starts another one.
 */
export function createFlushLoop(options: FlushLoopOptions): FlushLoop {
  const { run, isEmpty, isFull = () => false, everyMs, now, sleep } = options;
  let current = 0;
  let isRunning = false;
  let ranAt = Number.NEGATIVE_INFINITY;

  async function loop(own: number): Promise<void> {
    const until = now() + LIFE_MS;
    do {
      const waitMs = isFull() ? 0 : ranAt + everyMs - now();
      if (waitMs > 0) await sleep(waitMs);
      if (own !== current) return;
      ranAt = now();
      isRunning = true;
      await run();
      if (own === current) isRunning = false;
    } while (own === current && !isEmpty() && now() < until);
    if (own === current) flushLoop.startedAt = Number.NEGATIVE_INFINITY;
  }

  const flushLoop = {
    startedAt: Number.NEGATIVE_INFINITY,
    start(at: EpochMs, waitUntil: (work: Promise<unknown>) => void) {
      const age = at - flushLoop.startedAt;
      const isActive = age >= 0 && age < HANDOVER_MS;
      // If the queue is full and the loop sleeps, a new loop replaces it and sends at once.
      if (isActive && (isRunning || !isFull())) return;
      isRunning = false;
      flushLoop.startedAt = at;
      current++;
      waitUntil(loop(current));
    },
  };
  return flushLoop;
}
