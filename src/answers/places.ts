/** A bounded number of places. A place that is never given back is free again after its time. */
import type { Clock, EpochMs, Millis } from "../core/time.ts";

export interface Places {
  /**
   * Takes a place, or shares the place that `name` has. Returns a function that gives it back, or
   * undefined if all places are taken.
   */
  take(name: string): (() => void) | undefined;
  /** The number of places that are taken. */
  readonly taken: number;
}

interface Place {
  holders: number;
  until: EpochMs;
}

export function createPlaces(max: number, holdMs: Millis, now: Clock): Places {
  const places = new Map<string, Place>();

  function hasRoom(): boolean {
    if (places.size < max) return true;
    for (const [name, { until }] of places) if (until <= now()) places.delete(name);
    return places.size < max;
  }

  return {
    take(name) {
      let place = places.get(name);
      if (place === undefined) {
        if (!hasRoom()) return undefined;
        place = { holders: 0, until: 0 };
        places.set(name, place);
      }
      const held = place;
      held.holders += 1;
      held.until = now() + holdMs;
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        held.holders -= 1;
        if (held.holders === 0 && places.get(name) === held) places.delete(name);
      };
    },
    get taken() {
      return places.size;
    },
  };
}
