/**
 * Records the reads of a sample of keys. The sample is chosen by the hash of the key, so that it has
 * all reads of a key or none, and a cache of a smaller size behaves on it as the whole cache does on
 * all keys.
 *
 * @see Waldspurger et al., "Efficient MRC Construction with SHARDS", FAST 2015, for the sampling.
 */
import type { Entry } from "../../core/entry.ts";
import { sizeOf } from "../../core/entry-size.ts";
import { seededHash } from "../../core/hash.ts";
import type { EpochMs } from "../../core/time.ts";
import { HASHES, type SampledKey, type TrafficSketch } from "../../core/traffic.ts";
import { createReadRing } from "./read-ring.ts";

/** The most keys in the sample. If the traffic has more, the sampling rate falls. */
const MAX_KEYS = 2_048;
/** The share of the keys that stays when the sampling rate falls. */
const KEPT_SHARE = 7 / 8;
/** The reads of the sampled keys that are kept, the newest ones. */
const MAX_READS = 16_384;
/** Further kinds are recorded as the last one. */
const MAX_KINDS = 32;
/** Reads that wait to be recorded. A read of memory only adds itself to them. */
const MAX_WAITING = 256;
/** The same in every isolate, so that all isolates sample the same keys. */
const SEED = 0x5ad5;
const MAX_AGE_MS = 2 ** 32 - 1;

/** The counts of one kind. They are of all keys, not only of sampled ones. */
export interface KindReads {
  readonly index: number;
  reads: number;
  memoryMisses: number;
  /** The reads that waited for a load. */
  misses: number;
}

/** The facts of a key that the recorder needs for each of its reads. They are computed once for many reads. */
export interface KeyMark {
  readonly key: string;
  readonly hash: number;
  readonly kind: KindReads;
  /** Whether the key is in the sample. */
  readonly sampled: boolean;
}

/** A read of a sampled key that is not recorded yet. */
export interface WaitingRead {
  readonly mark: KeyMark;
  readonly at: EpochMs;
  /** The counts of the kind so far. */
  readonly reads: number;
  readonly memoryMisses: number;
  readonly misses: number;
  /** Whether the read waited for a load. */
  readonly loaded: boolean;
}

export interface TrafficRecorder {
  markOf(key: string): KeyMark;
  /** The reads of sampled keys since the last call of `record`. The event recorder adds to them. */
  readonly waiting: WaitingRead[];
  readonly maxWaiting: number;
  /** Records the reads that wait. */
  record(): void;
  /** Notes that the stored entry of a key was invalidated. */
  invalidated(key: string): void;
  /** Returns what is recorded, in new arrays. */
  sketch(): TrafficSketch;
}

interface KnownKey {
  readonly hash: number;
  readonly kind: number;
  /** The instant at which the entry that the other fields describe was stored. */
  storedAt: EpochMs;
  bytes: number;
  loadMs: number;
  freshMs: number;
  staleMs: number;
  keptMs: number;
  negative: boolean;
  invalidated: boolean;
  /** The reads of the key in the ring. */
  reads: number;
}

export interface TrafficRecorderOptions {
  /** The random id of this isolate. */
  readonly isolate: string;
  /** Returns the entry in memory, without a use. */
  readonly peek: (key: string) => Entry | undefined;
}

export function createTrafficRecorder({ isolate, peek }: TrafficRecorderOptions): TrafficRecorder {
  const kinds = new Map<string, KindReads>();
  const keys = new Map<number, KnownKey>();
  const ring = createReadRing(MAX_READS);
  const waiting: WaitingRead[] = [];
  let threshold = HASHES;
  let since: EpochMs = 0;

  function kindOf(key: string): KindReads {
    const name = key.slice(0, Math.max(0, key.indexOf(":")));
    const known = kinds.get(name);
    if (known !== undefined) return known;
    const last = kinds.size === MAX_KINDS ? [...kinds.values()].at(-1) : undefined;
    if (last !== undefined) return last;
    const kind = { index: kinds.size, reads: 0, memoryMisses: 0, misses: 0 };
    kinds.set(name, kind);
    return kind;
  }

  function markOf(key: string): KeyMark {
    const hash = seededHash(key, SEED);
    return { key, hash, kind: kindOf(key), sampled: hash < threshold };
  }

  /** Forgets keys without recorded reads. If these are few, lowers the sampling rate. */
  function makeRoom(): void {
    const kept = Math.floor(MAX_KEYS * KEPT_SHARE);
    for (const [hash, { reads }] of keys) if (reads === 0) keys.delete(hash);
    if (keys.size <= kept) return;
    const hashes = [...keys.keys()].toSorted((a, b) => a - b);
    threshold = hashes[kept] ?? threshold;
    for (const hash of hashes.slice(kept)) keys.delete(hash);
  }

  function knownOf({ hash, kind }: KeyMark): KnownKey | undefined {
    const known = keys.get(hash);
    if (known !== undefined) return known;
    if (keys.size >= MAX_KEYS) makeRoom();
    if (hash >= threshold) return undefined;
    const added: KnownKey = {
      hash,
      kind: kind.index,
      storedAt: Number.NEGATIVE_INFINITY,
      bytes: 0,
      loadMs: 0,
      freshMs: 0,
      staleMs: 0,
      keptMs: 0,
      negative: false,
      invalidated: false,
      reads: 0,
    };
    keys.set(hash, added);
    return added;
  }

  function add({ mark, at, reads, memoryMisses, misses, loaded }: WaitingRead): void {
    const known = knownOf(mark);
    if (known === undefined) return;
    const entry = peek(mark.key);
    // An entry that was stored after the read has replaced the one of the read.
    if (entry !== undefined && (entry.storedAt <= at || known.bytes === 0)) describe(known, entry);
    const age = loaded ? 0 : Math.max(1, Math.min(MAX_AGE_MS, at - known.storedAt));
    const { hash, invalidated } = known;
    known.invalidated = false;
    known.reads++;
    const overwritten = ring.push({
      hash,
      at,
      age,
      reads,
      memoryMisses,
      misses,
      invalidated,
    });
    if (overwritten === undefined) return;
    since = overwritten.at;
    const former = keys.get(overwritten.hash);
    if (former !== undefined) former.reads--;
  }

  function record(): void {
    for (const read of waiting) add(read);
    waiting.length = 0;
  }

  return {
    markOf,
    waiting,
    maxWaiting: MAX_WAITING,
    record,

    invalidated(key) {
      record();
      const known = keys.get(seededHash(key, SEED));
      if (known !== undefined) known.invalidated = true;
    },

    sketch() {
      record();
      const known = [...keys.values()].filter(({ reads }) => reads > 0);
      return {
        isolate,
        since,
        threshold,
        kinds: [...kinds.keys()],
        keys: known.map(sampledKey),
        reads: ring.columns((hash) => keys.has(hash)),
      };
    },
  };
}

function describe(known: KnownKey, entry: Entry): void {
  const { storedAt, freshUntil, staleUntil, deleteAt, loadCost, kind } = entry;
  if (storedAt === known.storedAt) return;
  known.storedAt = storedAt;
  known.bytes = sizeOf(entry);
  known.loadMs = loadCost;
  known.freshMs = Math.max(0, freshUntil - storedAt);
  known.staleMs = Math.max(0, staleUntil - freshUntil);
  known.keptMs = Math.max(0, deleteAt - freshUntil);
  known.negative = kind === "absent";
}

function sampledKey(known: KnownKey): SampledKey {
  const { hash, kind, bytes, loadMs, freshMs, staleMs, keptMs, negative } = known;
  return { hash, kind, bytes, loadMs, freshMs, staleMs, keptMs, negative };
}
