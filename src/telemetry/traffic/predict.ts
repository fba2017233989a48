import type { Prediction } from "../../core/traffic.ts";
import type { MergedReads } from "./merge-sketches.ts";
import type { Counts, MemorySettings } from "./simulate.ts";
import type { Window } from "./window.ts";

export interface PredictionParts {
  /** The counts of a simulation of the settings as they are. Undefined if the sample has all keys. */
  readonly asItIs: Counts | undefined;
  readonly window: Window;
  readonly merged: MergedReads;
}

const MINUTE_MS = 60_000;
/** Rates of a few reads at one instant are computed as if they had come in this time. */
const MIN_SPAN_MS = 1_000;
/** Fewer simulated misses than this say too little about the error of the sample. */
const MIN_MISSES = 50;
/** The most by which the correction changes a count: the sample may not be that wrong. */
const MAX_CORRECTION = 2;

/**
 * Scales the counts of the sample to all keys.
 *
 * - The misses are divided by the exact number of all reads, not by the sampled ones: a hot key has many
 *   reads and few misses, so that chance would decide whether the ratio is of hot keys.
 * - The misses of the settings as they are were counted for all keys. Their quotient with the simulated
 *   ones is the error of the sample. The misses of every candidate are corrected by it (ratio estimation).
 */
export function predict(
  counts: Counts,
  { asItIs, window, merged }: PredictionParts,
): Omit<Prediction, keyof MemorySettings> {
  const { rate, isolates } = merged;
  const { from = 0, to = 0, reads } = window;
  const correction = (measured: number, simulated: number | undefined): number =>
    simulated === undefined || simulated < MIN_MISSES
      ? 1
      : Math.min(MAX_CORRECTION, Math.max(1 / MAX_CORRECTION, (measured * rate) / simulated));
  const memoryMisses = counts.memoryMisses * correction(window.memoryMisses, asItIs?.memoryMisses);
  const misses = counts.misses * correction(window.misses, asItIs?.misses);
  // The other loads are refreshes.
  const loads = counts.loads - counts.misses + misses;
  const loadMs = counts.loads === 0 ? 0 : (counts.loadMs * loads) / counts.loads;
  const share = (count: number): number => Math.min(1, count / rate / reads);
  const minutes = Math.max(MIN_SPAN_MS, to - from) / MINUTE_MS;
  return {
    memoryHitRatio: 1 - share(memoryMisses),
    hitRatio: 1 - share(misses),
    staleRatio: share(counts.stale),
    loadsPerMinute: loads / rate / minutes,
    loadMsPerMinute: loadMs / rate / minutes,
    memoryBytes: Math.round(counts.memoryBytes / rate / isolates),
    kindBytes: Math.round(counts.kindBytes / rate / isolates),
  };
}
