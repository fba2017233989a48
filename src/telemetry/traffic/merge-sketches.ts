import { HASHES, type SampledKey, type TrafficSketch } from "../../core/traffic.ts";
import type { EpochMs } from "../../core/time.ts";

/** One read of the sample. */
export interface SampledRead {
  /** The index of the isolate. */
  readonly isolate: number;
  readonly key: SampledKey;
  readonly kind: string;
  readonly at: EpochMs;
  readonly age: number;
  readonly invalidated: boolean;
  /** The counts of all keys of the kind; see `ReadColumns`. */
  readonly reads: number;
  readonly memoryMisses: number;
  readonly misses: number;
}

/** The reads of several isolates, in the order of time. */
export interface MergedReads {
  /** The share of keys in the sample. */
  readonly rate: number;
  readonly isolates: number;
  readonly kinds: readonly string[];
  readonly reads: readonly SampledRead[];
}

/**
 * Merges the sketches of several isolates. Isolates sample by the same hash, so that the sample of
 * the lowest rate is a part of each of the others. The reads begin at the instant from which every
 * sketch is complete: the sketch of a busy isolate covers less time than that of a quiet one.
 */
export function mergeSketches(sketches: readonly TrafficSketch[]): MergedReads {
  const since = Math.max(0, ...sketches.map((sketch) => sketch.since));
  const threshold = Math.min(HASHES, ...sketches.map((sketch) => sketch.threshold));
  return {
    rate: threshold / HASHES,
    isolates: sketches.length,
    kinds: [...new Set(sketches.flatMap(({ kinds }) => kinds))].toSorted(),
    reads: sketches
      .flatMap((sketch, isolate) => readsBelow(threshold, sketch, isolate))
      .filter(({ at }) => at >= since)
      .toSorted((a, b) => a.at - b.at),
  };
}

function readsBelow(
  threshold: number,
  { keys, kinds, reads }: TrafficSketch,
  isolate: number,
): readonly SampledRead[] {
  const byHash = new Map(keys.map((key) => [key.hash, key]));
  const { hash, at, age, invalidated } = reads;
  const merged: SampledRead[] = [];
  for (let i = 0; i < hash.length; i++) {
    const key = byHash.get(hash[i] ?? 0);
    if (key === undefined || key.hash >= threshold) continue;
    merged.push({
      isolate,
      key,
      kind: kinds[key.kind] ?? "",
      at: at[i] ?? 0,
      age: age[i] ?? 0,
      invalidated: invalidated[i] === 1,
      reads: reads.reads[i] ?? 0,
      memoryMisses: reads.memoryMisses[i] ?? 0,
      misses: reads.misses[i] ?? 0,
    });
  }
  return merged;
}
