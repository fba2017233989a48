import { createBoundedMap } from "../core/bounded-map.ts";
import type { EpochMs, Millis } from "../core/time.ts";

const MARKER_LIFETIME_MS: Millis = 5_000;
const MAX_KEYS = 1_000;

/**
 * Hit-for-miss markers: keys whose last result could not be stored. Readers of such a key load
 * at once, because none of them could use the result of another. A marker stands beside the
 * stored entry and never replaces it.
 */
export interface HitForMiss {
  has(key: string, now: EpochMs): boolean;
  add(key: string, now: EpochMs): void;
  /** Removes the marker after a result that could be stored. */
  delete(key: string): void;
}

export function createHitForMiss(): HitForMiss {
  const markedAt = createBoundedMap<string, EpochMs>(MAX_KEYS);
  return {
    has(key, now) {
      const since = markedAt.get(key);
      if (since === undefined) return false;
      // A marker from the future shows that the clock was set back: it has expired.
      if (now >= since && now < since + MARKER_LIFETIME_MS) return true;
      markedAt.delete(key);
      return false;
    },
    add: (key, now) => markedAt.set(key, now),
    delete: (key) => markedAt.delete(key),
  };
}
