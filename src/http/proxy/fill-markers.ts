import { createBoundedMap } from "../../core/bounded-map.ts";
import type { EpochMs, Millis } from "../../core/time.ts";

const MARKER_LIFETIME_MS: Millis = 600_000;
const MAX_RESOURCES = 1_000;

/**
 * Resources whose whole response could not be stored: it is too long, or may not be shared. A
 * condition or a range goes to the origin then, because the whole response would be sent in vain.
 */
export interface FillMarkers {
  /** `kind` is the kind of request, see `requestKindOf`. */
  has(primary: string, kind: string | undefined, now: EpochMs): boolean;
  add(primary: string, kind: string | undefined, now: EpochMs): void;
  /** Removes the marker after a response that could be stored. */
  delete(primary: string, kind: string | undefined): void;
}

export function createFillMarkers(): FillMarkers {
  const markedAt = createBoundedMap<string, EpochMs>(MAX_RESOURCES);
  return {
    has(primary, kind, now) {
      const since = markedAt.get(nameOf(primary, kind));
      // A marker from the future shows that the clock was set back.
      return since !== undefined && now >= since && now < since + MARKER_LIFETIME_MS;
    },
    add: (primary, kind, now) => markedAt.set(nameOf(primary, kind), now),
    delete: (primary, kind) => markedAt.delete(nameOf(primary, kind)),
  };
}

/** A key has no line break. */
function nameOf(primary: string, kind: string | undefined): string {
  return `${primary}\n${kind ?? ""}`;
}
