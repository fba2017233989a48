import type { EpochMs, Millis } from "../core/time.ts";

/** An answer that is absent after a shorter time than this says nothing about the log object. */
const SILENT_MS: Millis = 200;
/** One silence may be a slow network. After this many in a row, the log object is not asked. */
const SILENCES = 2;
const OPEN_MS: Millis = 5_000;

/**
 * Stops the questions of one isolate to a log object that gives no answer, for 5 s at a time.
 * Otherwise each background sync would wait for the object until the end of the window, and reads
 * would then wait for Redis.
 */
export interface ObjectBreaker {
  isOpen(now: EpochMs): boolean;
  record(isAnswered: boolean, askedAt: EpochMs, now: EpochMs): void;
}

export function createObjectBreaker(): ObjectBreaker {
  let silences = 0;
  let silentAt: EpochMs = Number.NEGATIVE_INFINITY;
  return {
    // The absolute value: a clock that was set back must not keep the breaker open.
    isOpen: (now) => silences >= SILENCES && Math.abs(now - silentAt) < OPEN_MS,
    record(isAnswered, askedAt, now) {
      if (isAnswered) silences = 0;
      else if (now - askedAt >= SILENT_MS) {
        silences++;
        silentAt = now;
      }
    },
  };
}
