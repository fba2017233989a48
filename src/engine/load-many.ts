/**
 * The steps of a batch after memory: one request to Redis, and one load for the keys that Redis
 * does not hold.
 */
import { isMomentary, type Entry, type LoadResult } from "../core/entry.ts";
import { fault } from "../core/faults.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coalescer } from "./coalescer.ts";
import type { HitForMiss } from "./hit-for-miss.ts";
import { remaining } from "./lookup-request.ts";
import type { FreshnessOf, LookupOutcome, Read, StaleEntry } from "./lookup-request.ts";
import type { CallOrigin } from "./origin-call.ts";
import type { SharedReader } from "./shared-store-reader.ts";
import type { EntryStore } from "./store-entry.ts";
import { answersWithoutLoad } from "./validation.ts";

/**
 * Loads many keys with one call. The result for a key that is missing from the returned map may not
 * be stored.
 */
export type BatchLoader = (
  keys: readonly string[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, LoadResult>>;

/** The settings that all reads of a batch share. */
export interface BatchRequest {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly load: BatchLoader;
  readonly freshnessOf: FreshnessOf;
  readonly logReachable: boolean;
  /**
   * Whether Redis is read. It is not read for a refresh, because it holds the entries that the
   * refresh replaces.
   */
  readonly readsRedis: boolean;
}

export type OnOutcome = (read: Read, outcome: LookupOutcome) => void;

/**
 * Finds the outcome of each read, and calls `onOutcome` with it at once. Until then, the coalescer
 * lets other lookups of these keys wait for the outcome.
 */
export type LookUpBatch = (
  reads: readonly Read[],
  batch: BatchRequest,
  onOutcome: OnOutcome,
) => Promise<void>;

export interface LoadManyOptions {
  readonly memory: MemoryTier;
  readonly shared: SharedReader;
  readonly coalescer: Coalescer;
  readonly callOrigin: CallOrigin;
  readonly entryStore: EntryStore;
  readonly hitForMiss: HitForMiss;
}

export function createLookUpBatch(options: LoadManyOptions): LookUpBatch {
  const { memory, shared, coalescer, callOrigin, entryStore, hitForMiss } = options;

  async function readRedis(
    reads: readonly Read[],
    batch: BatchRequest,
    onOutcome: OnOutcome,
  ): Promise<void> {
    const { policy, ctx } = batch;
    if (!batch.readsRedis || !batch.logReachable) return load(reads, new Map(), batch, onOutcome);
    const keys = reads.map(({ key }) => key);
    const found = await shared.read(keys, { policy, ctx, startedAt: ctx.now() });
    if (found === "unreachable")
      return load(reads, new Map(), { ...batch, logReachable: false }, onOutcome);
    const staleEntries = new Map<Read, StaleEntry>();
    const missing: Read[] = [];
    for (const [i, read] of reads.entries()) {
      const { entry, currentAt = 0 } = found[i]?.served ?? {};
      const freshness = entry === undefined ? "expired" : batch.freshnessOf(entry, ctx.now());
      if (entry !== undefined && answersWithoutLoad(freshness)) {
        if (policy.tiers.has("memory")) memory.put(entry, ctx.now());
        const stale = freshness === "revalidate";
        const hit = { entry, tier: "redis", stale, currentAt, unreachable: false } as const;
        onOutcome(read, { kind: "found", ...hit });
        continue;
      }
      missing.push(read);
      if (entry !== undefined && freshness === "error-only")
        staleEntries.set(read, { entry, unreachable: false, currentAt });
    }
    return load(missing, staleEntries, batch, onOutcome);
  }

  async function load(
    reads: readonly Read[],
    staleEntries: ReadonlyMap<Read, StaleEntry>,
    batch: BatchRequest,
    onOutcome: OnOutcome,
  ): Promise<void> {
    const { policy, ctx, logReachable } = batch;
    const [first] = reads;
    if (first === undefined) return;
    const keys = reads.map(({ key }) => key);
    const waitMs = remaining(first);
    const startedAt = ctx.now();
    const end = (key: string, outcome: "stored" | "uncacheable" | "failed", entry?: Entry): void =>
      ctx.emit({
        type: "load.end",
        key,
        ms: ctx.now() - startedAt,
        outcome,
        ...(entry !== undefined && { bytes: entry.body.length }),
      });
    const call = { policy, ctx, logReachable, takesSlot: true, waitMs };
    const called = await callOrigin(call, (signal) => batch.load(keys, signal));
    if (!called.ok) {
      ctx.emit({ type: "fault.raise", fault: called.fault });
      for (const read of reads) {
        end(read.key, "failed");
        const fallback = staleEntries.get(read);
        onOutcome(read, { kind: "failed", fault: called.fault, fallback });
      }
      return;
    }
    const { loaded, stamp } = called.value;
    const entries = new Map<Read, Entry>();
    for (const read of reads) {
      const result = loaded.get(read.key);
      const entry = result && entryStore.createEntry(read.key, policy, result, stamp);
      if (entry !== undefined) entries.set(read, entry);
    }
    const currentAtOf = (result: LoadResult | undefined): EpochMs =>
      Math.min(stamp.startedAt, result?.currentAt ?? Infinity);
    const isLasting = ({ key }: Read): boolean => {
      const result = loaded.get(key);
      return result !== undefined && !isMomentary(result, stamp);
    };
    const lasting = [...entries].filter(([read]) => isLasting(read)).map(([, entry]) => entry);
    const stored = entryStore.storeMany(lasting, batch);
    for (const read of reads) {
      const entry = entries.get(read);
      if (entry === undefined) {
        end(read.key, "uncacheable");
        const result = loaded.get(read.key);
        if (result === undefined || result.storable || result.oneOff !== true)
          hitForMiss.add(read, stamp.storedAt);
        const unreachable = result?.storable === false && result.unreachable === true;
        onOutcome(read, { kind: "uncacheable", currentAt: currentAtOf(result), unreachable });
        continue;
      }
      end(read.key, "stored", entry);
      hitForMiss.delete(read);
      const result = {
        entry,
        joined: false,
        stored: stored.has(entry),
        momentary: !isLasting(read),
        renewed: false,
      } as const;
      const currentAt = currentAtOf(loaded.get(read.key));
      onOutcome(read, { kind: "loaded", ...result, currentAt, unreachable: false });
    }
  }

  return async (reads, batch, onOutcome) => {
    if (reads.length === 0) return;
    const resolvers = new Map<Read, (outcome: LookupOutcome) => void>();
    for (const read of reads) {
      const { promise, resolve } = Promise.withResolvers<LookupOutcome>();
      resolvers.set(read, resolve);
      if (batch.policy.flight !== "off") coalescer.register(read, promise);
    }
    try {
      await readRedis(reads, batch, (read, outcome) => {
        resolvers.get(read)?.(outcome);
        onOutcome(read, outcome);
      });
    } finally {
      // If the batch failed before its keys had an outcome, this rejects the lookups that wait for them.
      const lost = fault("origin.unavailable", "the batch that loaded it failed");
      for (const resolve of resolvers.values())
        resolve({ kind: "failed", fault: lost, fallback: undefined });
    }
  };
}
