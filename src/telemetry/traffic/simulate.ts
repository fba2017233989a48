/**
 * Replays a sample of reads through memory tiers and a shared store. Each memory is the real tier,
 * with the share of its limits that the sample has of all keys. The shared store stands for edge and
 * Redis and has no limit. A load takes no time.
 *
 * @see Waldspurger et al., "Cache Modeling and Optimization using Miniature Simulations", USENIX ATC 2017.
 */
import type { Entry } from "../../core/entry.ts";
import type { MemoryTier } from "../../core/tier.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import type { SampledKey } from "../../core/traffic.ts";
import type { MergedReads, SampledRead } from "./merge-sketches.ts";

/** The settings of memory. */
export interface MemorySettings {
  readonly eviction: string;
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** Creates a memory tier whose entries take the bytes that `sizeOf` returns. */
export type CreateMemory = (
  settings: MemorySettings,
  sizeOf: (entry: Entry) => number,
) => MemoryTier;

/** Lifetimes to try. Default: those of the recorded entries. */
export interface TriedLifetimes {
  readonly freshForMs: Millis | undefined;
  readonly staleWhileRevalidateMs: Millis | undefined;
  readonly negativeForMs: Millis | undefined;
}

const AS_RECORDED: TriedLifetimes = {
  freshForMs: undefined,
  staleWhileRevalidateMs: undefined,
  negativeForMs: undefined,
};

export interface SimulationOptions {
  readonly kind: string;
  readonly memory: MemorySettings;
  /** The lifetimes to try for the kind. */
  readonly lifetimes: TriedLifetimes;
  readonly createMemory: CreateMemory;
  /** The reads before this one fill the tiers and are not counted. */
  readonly countFrom: number;
}

/** Counts of the sampled reads of the kind, from `countFrom` on. */
export interface Counts {
  readonly memoryMisses: number;
  /** The reads that wait for a load. */
  readonly misses: number;
  readonly stale: number;
  readonly loads: number;
  readonly loadMs: Millis;
  /** The bytes in all memories at the end: of all kinds, and of the kind. */
  readonly memoryBytes: number;
  readonly kindBytes: number;
}

export function simulate(
  { reads, rate, isolates }: MergedReads,
  options: SimulationOptions,
): Counts {
  const { kind, memory, lifetimes, createMemory, countFrom } = options;
  const bytesOf = new Map<string, number>();
  const sizeOf = ({ key }: Entry): number => bytesOf.get(key) ?? 0;
  const scaled: MemorySettings = {
    eviction: memory.eviction,
    maxBytes: Math.max(1, Math.round(memory.maxBytes * rate)),
    maxEntries: Math.max(1, Math.round(memory.maxEntries * rate)),
  };
  const memories = Array.from({ length: isolates }, () => createMemory(scaled, sizeOf));
  const shared = new Map<string, Entry>();
  const seen = new Set<string>();
  const counts = { memoryMisses: 0, misses: 0, stale: 0, loads: 0, loadMs: 0 };

  const entryOf = (key: SampledKey, isOfKind: boolean, storedAt: EpochMs): Entry =>
    createEntry(key, storedAt, isOfKind ? lifetimes : AS_RECORDED);

  /** Returns what one read of the sample does. */
  function replay(read: SampledRead): { memory: boolean; stale: boolean; load: boolean } {
    const { key, at, age } = read;
    const own = memories[read.isolate] as MemoryTier;
    const name = String(key.hash);
    const isOfKind = read.kind === kind;
    bytesOf.set(name, key.bytes);

    function store(entry: Entry): void {
      shared.set(name, entry);
      own.put(entry, at);
    }
    if (!seen.has(name)) {
      seen.add(name);
      // A tier had the entry already when the recording began.
      if (age > 0) shared.set(name, entryOf(key, isOfKind, at - age));
    }
    if (read.invalidated) {
      own.remove(name);
      // If the read needed no load, another isolate has loaded the value since the invalidation.
      if (age === 0) shared.delete(name);
    }
    const held = own.get(name);
    const inMemory = held !== undefined && at < held.staleUntil;
    const found = inMemory ? held : shared.get(name);
    if (found === undefined || at >= found.staleUntil) {
      store(entryOf(key, isOfKind, at));
      return { memory: false, stale: false, load: true };
    }
    if (at < found.freshUntil) {
      if (!inMemory) own.put(found, at);
      return { memory: inMemory, stale: false, load: false };
    }
    // The refresh finds a newer entry in the shared store, or loads.
    const newer = shared.get(name);
    const refreshed = newer !== undefined && at < newer.freshUntil;
    if (refreshed) own.put(newer, at);
    else store(entryOf(key, isOfKind, at));
    return { memory: inMemory, stale: true, load: !refreshed };
  }

  for (const [index, read] of reads.entries()) {
    const { key } = read;
    // Memory never held the key. The settings change nothing for it, so that it does as recorded.
    const result =
      key.bytes === 0 ? { memory: false, stale: false, load: read.age === 0 } : replay(read);
    if (index < countFrom || read.kind !== kind) continue;
    if (!result.memory) counts.memoryMisses++;
    if (result.stale) counts.stale++;
    if (!result.load) continue;
    counts.loads++;
    counts.loadMs += key.loadMs;
    if (!result.stale) counts.misses++;
  }
  const names = new Set(reads.filter((read) => read.kind === kind).map(({ key }) => `${key.hash}`));
  let [memoryBytes, kindBytes] = [0, 0];
  for (const one of memories) {
    memoryBytes += one.stats().bytes;
    for (const name of names) if (one.peek(name) !== undefined) kindBytes += bytesOf.get(name) ?? 0;
  }
  return { ...counts, memoryBytes, kindBytes };
}

function createEntry(
  key: SampledKey,
  storedAt: EpochMs,
  { freshForMs, staleWhileRevalidateMs, negativeForMs }: TriedLifetimes,
): Entry {
  const freshMs = (key.negative ? negativeForMs : freshForMs) ?? key.freshMs;
  const staleMs = staleWhileRevalidateMs ?? key.staleMs;
  const freshUntil = storedAt + freshMs;
  const staleUntil = freshUntil + staleMs;
  const deleteAt = Math.max(staleUntil, freshUntil + key.keptMs);
  return {
    key: String(key.hash),
    kind: "value",
    body: "",
    etag: "",
    invalidationKeys: [],
    storedAt,
    freshUntil,
    staleUntil,
    errorUntil: deleteAt,
    deleteAt,
    asOf: 0,
    era: "",
    loadCost: key.loadMs,
  };
}
