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
  /** A result could be stored after all. */
  delete(key: string): void;
}

export function createUnshared(): Unshared {
  const since = new Map<string, EpochMs>();
  return {
    has(key, now) {
      const began = since.get(key);
      if (began === undefined) return false;
      // A beginning in the future is a clock that was set back.
      if (now >= began && now < began + REMEMBER_MS) return true;
      since.delete(key);
      return false;
    },
    add(key, now) {
      if (since.size >= MAX_KEYS) since.clear();
      since.set(key, now);
    },
    delete: (key) => void since.delete(key),
  };
}
