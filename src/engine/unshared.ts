import type { EpochMs, Millis } from "../core/time.ts";

/** How long a key is remembered whose result may not be shared. */
const REMEMBER_MS: Millis = 5_000;
const MAX_KEYS = 1_000;

/**
 * Hit-for-miss markers: keys whose last result was not storable. Their readers
 * load by themselves at once, instead of queueing behind each other for a
 * result that none of them may have. Kept beside the values, never over them.
 */
export interface Unshared {
  has(key: string, now: EpochMs): boolean;
  add(key: string, now: EpochMs): void;
}

export function createUnshared(): Unshared {
  const until = new Map<string, EpochMs>();
  return {
    has(key, now) {
      const end = until.get(key);
      if (end === undefined) return false;
      if (now < end) return true;
      until.delete(key);
      return false;
    },
    add(key, now) {
      if (until.size >= MAX_KEYS) until.clear();
      until.set(key, now + REMEMBER_MS);
    },
  };
}
