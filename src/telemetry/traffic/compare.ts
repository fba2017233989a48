import { toMillis, type Duration } from "../../core/duration.ts";
import type { Candidate, CompareSettings, Prediction, TrafficSketch } from "../../core/traffic.ts";
import { mergeSketches, type MergedReads } from "./merge-sketches.ts";
import { predict } from "./predict.ts";
import {
  simulate,
  type Counts,
  type CreateMemory,
  type MemorySettings,
  type TriedLifetimes,
} from "./simulate.ts";
import { windowOf } from "./window.ts";

export interface ComparisonOptions {
  /** Returns what the isolates have recorded. */
  readonly sketches: () => Promise<readonly TrafficSketch[]>;
  /** The settings of memory as they are. */
  readonly memory: MemorySettings;
  readonly createMemory: CreateMemory;
  /** Lets the other requests of the isolate run. A simulation computes for a long time. */
  readonly pause: () => Promise<void>;
}

/** Creates the comparison of settings over the recorded reads. */
export function createComparison(options: ComparisonOptions): CompareSettings {
  const { sketches, memory, createMemory, pause } = options;

  return async (kind, candidates) => {
    const merged = mergeSketches(await sketches());
    const window = windowOf(merged, kind);
    const { rate, isolates, kinds } = merged;
    const { countFrom, from, to, sampledReads } = window;
    async function run(candidate: Candidate): Promise<Counts> {
      await pause();
      return simulate(merged, {
        kind,
        memory: memoryOf(candidate, memory),
        lifetimes: lifetimesOf(candidate),
        createMemory,
        countFrom,
      });
    }
    const answer = { isolates, kinds, rate, from, to, sampledReads, reads: window.reads };
    if (sampledReads === 0) return { ...answer, predictions: undefined };
    const asItIs = isWhole(merged) ? undefined : await run({});
    const predictions: Prediction[] = [];
    for (const candidate of candidates) {
      const counts = await run(candidate);
      const prediction = predict(counts, { asItIs, window, merged });
      predictions.push({ ...memoryOf(candidate, memory), ...prediction });
    }
    return { ...answer, predictions };
  };
}

/** Whether the sample has all keys. */
const isWhole = ({ rate }: MergedReads): boolean => rate === 1;

const memoryOf = (candidate: Candidate, memory: MemorySettings): MemorySettings => ({
  eviction: candidate.eviction ?? memory.eviction,
  maxBytes: candidate.maxBytes ?? memory.maxBytes,
  maxEntries: candidate.maxEntries ?? memory.maxEntries,
});

function lifetimesOf({ freshFor, staleWhileRevalidate, negativeFor }: Candidate): TriedLifetimes {
  const millis = (duration: Duration | undefined, field: string) =>
    duration === undefined ? undefined : toMillis(duration, field);
  return {
    freshForMs: millis(freshFor, "freshFor"),
    staleWhileRevalidateMs: millis(staleWhileRevalidate, "staleWhileRevalidate"),
    negativeForMs: millis(negativeFor, "negativeFor"),
  };
}
