/** A sampled sketch of the reads of one isolate, and the comparison of two settings over such sketches. */
import type { Duration } from "./duration.ts";
import type { EpochMs, Millis } from "./time.ts";

/** A key in the sample. The text of the key is not part of it. */
export interface SampledKey {
  /** The 32-bit hash of the key. Every isolate computes the same one. */
  readonly hash: number;
  /** The index of the kind in `TrafficSketch.kinds`. */
  readonly kind: number;
  /** The bytes that the entry takes in memory. 0 if memory has never held it. */
  readonly bytes: number;
  /** The duration of the last load. */
  readonly loadMs: Millis;
  /** The fresh lifetime of the last entry. */
  readonly freshMs: Millis;
  /** The time after that in which a stale entry is served while a refresh runs. */
  readonly staleMs: Millis;
  /** The time from the end of the fresh lifetime until every tier deletes the entry. */
  readonly keptMs: Millis;
  readonly negative: boolean;
}

/**
 * The reads of the sampled keys of one isolate, the oldest first. Element `i` of each column belongs
 * to read `i`.
 */
export interface ReadColumns {
  readonly hash: Uint32Array;
  readonly at: Float64Array;
  /** The age of the entry at the read, in milliseconds. 0 if the read waited for a load. */
  readonly age: Uint32Array;
  /** The counts of the kind of the key, this read included. They are of all keys; modulo 2^32. */
  readonly reads: Uint32Array;
  readonly memoryMisses: Uint32Array;
  /** The reads that waited for a load. */
  readonly misses: Uint32Array;
  /** 1 if the read found that the stored entry was invalidated. */
  readonly invalidated: Uint8Array;
}

/** The reads that one isolate has recorded. */
export interface TrafficSketch {
  /** The random id of the isolate. */
  readonly isolate: string;
  /** The sketch has all reads of its keys after this instant. 0 if it has all reads of the isolate. */
  readonly since: EpochMs;
  /** The keys whose hash is below this are in the sample. The sampling rate is `threshold / 2 ** 32`. */
  readonly threshold: number;
  readonly kinds: readonly string[];
  readonly keys: readonly SampledKey[];
  readonly reads: ReadColumns;
}

/** The number of hashes of keys. */
export const HASHES = 2 ** 32;

/** Settings to try. A setting that is left out is as it is now. */
export interface Candidate {
  /** The name of an eviction order of memory. */
  readonly eviction?: string;
  /** The limits of the memory of each isolate. */
  readonly maxBytes?: number;
  /** The maximum number of entries in the memory of each isolate. @default the setting in use */
  readonly maxEntries?: number;
  /** The lifetimes of the kind that is asked about; see `PolicyOptions`. */
  readonly freshFor?: Duration;
  /** The time for which a stale value answers while a refresh runs. @default the policy in use */
  readonly staleWhileRevalidate?: Duration;
  /** The lifetime of negative entries. @default the policy in use */
  readonly negativeFor?: Duration;
}

/** The predicted results of a candidate's settings for the recorded reads of one kind. */
export interface Prediction {
  /** The settings of memory that were simulated. */
  readonly eviction: string;
  /** The simulated limit of the memory of an isolate, in bytes. */
  readonly maxBytes: number;
  /** The simulated maximum number of entries in the memory of an isolate. */
  readonly maxEntries: number;
  /** The share of reads that memory answers, stale answers included. */
  readonly memoryHitRatio: number;
  /** The share of reads that a tier answers, stale answers included. The others wait for a load. */
  readonly hitRatio: number;
  /** The share of reads that get a stale answer while a refresh runs. */
  readonly staleRatio: number;
  /** Loads of all isolates in the sample, refreshes included. */
  readonly loadsPerMinute: number;
  /** The time of these loads together. */
  readonly loadMsPerMinute: Millis;
  /** The memory of one isolate at the end: all kinds, and the kind that is asked about. */
  readonly memoryBytes: number;
  /** The bytes of the kind that is asked about, in one isolate at the end. */
  readonly kindBytes: number;
}

/** The answer to a comparison. */
export interface Comparison {
  /** The isolates whose reads were simulated. */
  readonly isolates: number;
  /** The kinds that they have read. */
  readonly kinds: readonly string[];
  /** The share of keys in the sample. */
  readonly rate: number;
  /** The first and the last instant of the reads that count. Undefined without reads of the kind. */
  readonly from: EpochMs | undefined;
  /** The last instant of these reads, in milliseconds since the epoch. */
  readonly to: EpochMs | undefined;
  /** The reads of the kind in this time: those that were simulated, and all of them. */
  readonly sampledReads: number;
  /** All reads of the kind in this time. */
  readonly reads: number;
  /** One for each candidate. Undefined without reads of the kind. */
  readonly predictions: readonly Prediction[] | undefined;
}

/** Thrown if the comparisons of other requests have kept a comparison waiting for too long. */
export class ComparisonBusy extends Error {
  constructor() {
    super("other comparisons are running");
    this.name = "ComparisonBusy";
  }
}

/**
 * Predicts what the candidates would do with the recorded reads of a kind.
 *
 * @throws {ComparisonBusy} after 30 s of waiting for the comparisons of other requests
 */
export type CompareSettings = (
  kind: string,
  candidates: readonly Candidate[],
) => Promise<Comparison>;
