import type { Comparison } from "../../core/traffic.ts";
import type { MergedReads, SampledRead } from "./merge-sketches.ts";

/** The reads at the beginning that fill the simulated tiers and are not counted, as a share. */
const WARM_UP_SHARE = 1 / 4;

/** The part of the reads that a comparison counts, with the counts of all keys of the kind in it. */
export interface Window extends Pick<Comparison, "from" | "to" | "sampledReads" | "reads"> {
  /** The index of its first read among the sampled ones of all kinds. */
  readonly countFrom: number;
  readonly memoryMisses: number;
  readonly misses: number;
}

export function windowOf({ reads, rate, isolates }: MergedReads, kind: string): Window {
  const countFrom = Math.floor(reads.length * WARM_UP_SHARE);
  const counted = reads.slice(countFrom).filter((read) => read.kind === kind);
  const byIsolate = Array.from({ length: isolates }, (_, isolate) =>
    counted.filter((read) => read.isolate === isolate),
  );
  const all = (name: Counter): number =>
    byIsolate.reduce((sum, own) => sum + countOf(name, own, rate), 0);
  return {
    countFrom,
    from: counted[0]?.at,
    to: counted.at(-1)?.at,
    sampledReads: counted.length,
    reads: Math.round(all("reads")),
    memoryMisses: all("memoryMisses"),
    misses: all("misses"),
  };
}

type Counter = "reads" | "memoryMisses" | "misses";

/** Returns what an isolate has counted of all keys in the time of its sampled reads. */
function countOf(name: Counter, sampled: readonly SampledRead[], rate: number): number {
  const [first] = sampled;
  const last = sampled.at(-1);
  if (first === undefined || last === undefined) return 0;
  if (sampled.length === 1) return name === "reads" ? 1 / rate : 0;
  // What was counted from the first to the last one, and the same share once more for the two ends.
  return (((last[name] - first[name]) >>> 0) * sampled.length) / (sampled.length - 1);
}
