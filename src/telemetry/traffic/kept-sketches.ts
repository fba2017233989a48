import type { EpochMs, Millis } from "../../core/time.ts";
import type { TrafficSketch } from "../../core/traffic.ts";

/**
 * A metrics object keeps the sketches of this many isolates, those that have reported last. A sketch
 * takes up to 0.6 MB, and a comparison gets those of all objects.
 */
const MAX_SKETCHES = 2;
/** A sketch that is not renewed is deleted after this time. */
const LIFE_MS: Millis = 600_000;

/** The newest sketch of each isolate. They are in memory only. */
export interface KeptSketches {
  add(sketch: TrafficSketch, now: EpochMs): void;
  list(now: EpochMs): readonly TrafficSketch[];
}

export function createKeptSketches(): KeptSketches {
  const kept = new Map<string, { readonly sketch: TrafficSketch; readonly at: EpochMs }>();
  return {
    add(sketch, now) {
      kept.delete(sketch.isolate);
      kept.set(sketch.isolate, { sketch, at: now });
      const [oldest] = kept.keys();
      if (kept.size > MAX_SKETCHES && oldest !== undefined) kept.delete(oldest);
    },
    list(now) {
      for (const [isolate, { at }] of kept) if (now - at > LIFE_MS) kept.delete(isolate);
      return [...kept.values()].map(({ sketch }) => sketch);
    },
  };
}
