import { createBoundedMap } from "../core/bounded-map.ts";
import type { Fault } from "../core/faults.ts";
import type { Random } from "../core/random.ts";
import type { EpochMs, Millis } from "../core/time.ts";

const FIRST_PAUSE_MS: Millis = 100;
const LONGEST_PAUSE_MS: Millis = 1_000;
const MAX_KEYS = 1_000;

/**
 * Exponential backoff after failed loads, for each key. The first failure causes no pause: the
 * next caller tries again at once. From the second failure in a row on, callers get the fault
 * without an attempt, for a pause that doubles with each failure and is shortened by up to half
 * at random.
 */
export interface LoadBackoff {
  /** The fault to answer with during a pause; undefined if a load may be tried. */
  recent(key: string, now: EpochMs): Fault | undefined;
  failed(key: string, fault: Fault, now: EpochMs): void;
  succeeded(key: string): void;
}

interface Failure {
  readonly fault: Fault;
  readonly until: EpochMs;
  readonly streak: number;
}

export function createLoadBackoff(random: Random): LoadBackoff {
  const failures = createBoundedMap<string, Failure>(MAX_KEYS);
  return {
    recent(key, now) {
      const failure = failures.get(key);
      if (failure === undefined || now >= failure.until) return undefined;
      // A pause that seems longer than the longest shows that the clock was set back.
      return failure.until - now <= LONGEST_PAUSE_MS ? failure.fault : undefined;
    },
    failed(key, fault, now) {
      const streak = (failures.get(key)?.streak ?? 0) + 1;
      const pauseMs =
        streak === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (streak - 2), LONGEST_PAUSE_MS);
      failures.set(key, { fault, until: now + pauseMs * (1 - random() / 2), streak });
    },
    succeeded: (key) => failures.delete(key),
  };
}
