import type { Fault } from "../core/faults.ts";
import type { EpochMs, Millis } from "../core/time.ts";

const FIRST_PAUSE_MS: Millis = 100;
const LONGEST_PAUSE_MS: Millis = 1_000;
const MAX_KEYS = 1_000;

/**
 * Failed loads, remembered for a moment. One failure may be a hiccup: the next caller
 * tries again at once. From the second in a row on, callers get the fault without an
 * attempt, for a pause that doubles with each failure and is spread by chance.
 */
export interface Failures {
  /** The fault to answer with instead of another attempt. */
  recent(key: string, now: EpochMs): Fault | undefined;
  failed(key: string, fault: Fault, now: EpochMs): void;
  succeeded(key: string): void;
}

export function createFailures(random: () => number): Failures {
  const known = new Map<string, { fault: Fault; until: EpochMs; streak: number }>();
  return {
    recent(key, now) {
      const failure = known.get(key);
      if (failure === undefined || now >= failure.until) return undefined;
      // A pause longer than any is a clock that was set back.
      return failure.until - now <= LONGEST_PAUSE_MS ? failure.fault : undefined;
    },
    failed(key, fault, now) {
      const streak = (known.get(key)?.streak ?? 0) + 1;
      const pauseMs =
        streak === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (streak - 2), LONGEST_PAUSE_MS);
      if (known.size >= MAX_KEYS) known.clear();
      known.set(key, { fault, until: now + pauseMs * (1 - random() / 2), streak });
    },
    succeeded(key) {
      if (known.size > 0) known.delete(key);
    },
  };
}
