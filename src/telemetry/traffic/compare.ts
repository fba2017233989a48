import { toMillis, type Duration } from "../../core/duration.ts";
import type {
  Candidate,
  CompareSettings,
  Comparison,
  Prediction,
  TrafficSketch,
} from "../../core/traffic.ts";
import { mergeSketches, type MergedReads, type SampledRead } from "./merge-sketches.ts";
import {
  simulate,
  type Counts,
  type CreateMemory,
  type MemorySettings,
  type TriedLifetimes,
} from "./simulate.ts";

export interface ComparisonOptions {
  /** Returns what the isolates have recorded. */
  readonly sketches: () => Promise<readonly TrafficSketch[]>;
  /** The settings of memory as they are. */
  readonly memory: MemorySettings;
  readonly createMemory: CreateMemory;
}

/** The reads at the beginning that fill the simulated tiers and are not counted, as a share. */
const WARM_UP_SHARE = 1 / 4;
const MINUTE_MS = 60_000;

/** Creates the comparison of settings over the recorded reads. */
export function createComparison(options: ComparisonOptions): CompareSettings {
  const { sketches, memory, createMemory } = options;

  return async (kind, candidates) => {
    const merged = mergeSketches(await sketches());
    const window = windowOf(merged, kind);
    const { rate, isolates, kinds } = merged;
    const { from, to, sampledReads, reads } = window;
    const predict = (candidate: Candidate): Prediction => {
      const settings: MemorySettings = {
        eviction: candidate.eviction ?? memory.eviction,
        maxBytes: candidate.maxBytes ?? memory.maxBytes,
        maxEntries: candidate.maxEntries ?? memory.maxEntries,
      };
      const { countFrom } = window;
      const counts = simulate(merged, {
        kind,
        memory: settings,
        lifetimes: lifetimesOf(candidate),
        createMemory,
        countFrom,
      });
      return { ...settings, ...predictionOf(counts, window, merged) };
    };
    const predictions = sampledReads === 0 ? undefined : candidates.map(predict);
    return { isolates, kinds, rate, from, to, sampledReads, reads, predictions };
  };
}

function lifetimesOf({ freshFor, staleWhileRevalidate, negativeFor }: Candidate): TriedLifetimes {
  const millis = (duration: Duration | undefined, field: string) =>
    duration === undefined ? undefined : toMillis(duration, field);
  return {
    freshForMs: millis(freshFor, "freshFor"),
    staleWhileRevalidateMs: millis(staleWhileRevalidate, "staleWhileRevalidate"),
    negativeForMs: millis(negativeFor, "negativeFor"),
  };
}

/** The part of the reads that is counted. */
interface Window extends Pick<Comparison, "from" | "to" | "sampledReads" | "reads"> {
  readonly countFrom: number;
}

function windowOf({ reads, rate, isolates }: MergedReads, kind: string): Window {
  const countFrom = Math.floor(reads.length * WARM_UP_SHARE);
  const counted = reads.slice(countFrom).filter((read) => read.kind === kind);
  const byIsolate = Array.from({ length: isolates }, (_, isolate) =>
    counted.filter((read) => read.isolate === isolate),
  );
  return {
    countFrom,
    from: counted[0]?.at,
    to: counted.at(-1)?.at,
    sampledReads: counted.length,
    reads: Math.round(byIsolate.reduce((sum, own) => sum + allReads(own, rate), 0)),
  };
}

/** Returns how many reads of the kind an isolate has counted in the time of its sampled ones. */
function allReads(sampled: readonly SampledRead[], rate: number): number {
  const [first] = sampled;
  const last = sampled.at(-1);
  if (first === undefined || last === undefined) return 0;
  if (sampled.length === 1) return 1 / rate;
  // The reads between the first and the last, and the same share of them once more for the two ends.
  return (((last.count - first.count) >>> 0) * sampled.length) / (sampled.length - 1);
}

/**
 * Scales the counts of the sample. The misses of the sample are divided by the sampling rate and then
 * by the exact number of all reads. If they were divided by the sampled reads, one hot key that is in
 * the sample by chance would decide the ratio: it has many reads and few misses.
 */
function predictionOf(
  counts: Counts,
  { from = 0, to = 0, reads }: Window,
  { rate, isolates }: MergedReads,
): Omit<Prediction, keyof MemorySettings> {
  const share = (count: number): number => Math.min(1, count / rate / reads);
  const minutes = Math.max(1, to - from) / MINUTE_MS;
  return {
    memoryHitRatio: 1 - share(counts.memoryMisses),
    hitRatio: 1 - share(counts.misses),
    staleRatio: share(counts.stale),
    loadsPerMinute: counts.loads / rate / minutes,
    loadMsPerMinute: counts.loadMs / rate / minutes,
    memoryBytes: Math.round(counts.memoryBytes / rate / isolates),
    kindBytes: Math.round(counts.kindBytes / rate / isolates),
  };
}
