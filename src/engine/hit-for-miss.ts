import { createBoundedMap } from "../core/bounded-map.ts";
import type { EpochMs, Millis } from "../core/time.ts";

const MARKER_LIFETIME_MS: Millis = 5_000;
const MAX_KEYS = 1_000;

/** A read, as far as markers distinguish reads. */
export interface MarkedRead {
  readonly key: string;
  /** The kind of request that reads. Default: a marker of the key is for all kinds. */
  readonly requestKindOf?: (() => string | undefined) | undefined;
}

/**
 * Hit-for-miss markers: keys whose last result could not be stored. Readers of such a key load
 * at once, because none of them could use the result of another. A marker stands beside the
 * stored entry and never replaces it. A marker of one kind of request is not for the other kinds.
 */
export interface HitForMiss {
  has(read: MarkedRead, now: EpochMs): boolean;
  /** Sets the marker of the key, or that of the request's kind alone. */
  add(read: MarkedRead, now: EpochMs): void;
  /** Removes the markers of the read after a result that could be stored. */
  delete(read: MarkedRead): void;
}

export function createHitForMiss(): HitForMiss {
  const markedAt = createBoundedMap<string, EpochMs>(MAX_KEYS);

  function isMarked(name: string, now: EpochMs): boolean {
    const since = markedAt.get(name);
    if (since === undefined) return false;
    // A marker from the future shows that the clock was set back: it has expired.
    if (now >= since && now < since + MARKER_LIFETIME_MS) return true;
    markedAt.delete(name);
    return false;
  }

  return {
    has: (read, now) => isMarked(read.key, now) || isMarked(nameOf(read), now),
    add: (read, now) => markedAt.set(nameOf(read), now),
    delete(read) {
      markedAt.delete(read.key);
      markedAt.delete(nameOf(read));
    },
  };
}

/** A key has no line break. */
function nameOf({ key, requestKindOf }: MarkedRead): string {
  const requestKind = requestKindOf?.();
  return requestKind === undefined ? key : `${key}\n${requestKind}`;
}
