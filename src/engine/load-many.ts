/** Reads that go outward together: one request to Redis, one load for what it does not hold. */
import type { Entry, LoadResult } from "../core/entry.ts";
import { fault } from "../core/faults.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { Coalescer } from "./coalescer.ts";
import {
  remaining,
  type StaleEntry,
  type LookupOutcome,
  type Read,
  type FreshnessOf,
} from "./lookup-request.ts";
import type { EntryStore } from "./store-entry.ts";
import type { CallOrigin } from "./origin-call.ts";
import type { SharedReader } from "./shared-store-reader.ts";
import type { HitForMiss } from "./hit-for-miss.ts";

export type LoadBatch = (
  keys: readonly string[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, LoadResult>>;

export interface BatchRequest {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly load: LoadBatch;
  readonly standing: FreshnessOf;
  readonly logReachable: boolean;
  /** A refresh does not ask Redis: it holds what is being refreshed. */
  readonly asksRedis: boolean;
}

type LoadOutcome = "stored" | "uncacheable" | "failed";

export type OnOutcome = (read: Read, outcome: LookupOutcome) => void;

export interface ResolveManyOptions {
  readonly memory: MemoryTier;
  readonly shared: SharedReader;
  readonly coalescer: Coalescer;
  readonly callOrigin: CallOrigin;
  readonly keeper: EntryStore;
  readonly unshared: HitForMiss;
}

/** Takes reads outward. Each lands as soon as it is known; others in the isolate wait for it. */
export type ResolveMany = (
  reads: readonly Read[],
  company: BatchRequest,
  land: OnOutcome,
) => Promise<void>;

export function createResolveMany(options: ResolveManyOptions): ResolveMany {
  const { memory, shared, coalescer, callOrigin, keeper, unshared } = options;

  async function run(
    reads: readonly Read[],
    company: BatchRequest,
    land: OnOutcome,
  ): Promise<void> {
    const { ctx, asksRedis } = company;
    if (!asksRedis || !company.logReachable) return load(reads, new Map(), company, land);
    const since = ctx.now();
    const found = await shared.read(
      reads.map(({ key }) => key),
      ctx,
    );
    if (found === "unreachable")
      return load(reads, new Map(), { ...company, logReachable: false }, land);
    const held = new Map<Read, StaleEntry>();
    const missing: Read[] = [];
    for (const [i, read] of reads.entries()) {
      const entry = found[i]?.entry;
      const stands = entry === undefined ? "expired" : company.standing(entry, ctx.now());
      if (entry !== undefined && (stands === "fresh" || stands === "revalidate")) {
        if (company.policy.tiers.has("memory")) memory.put(entry, ctx.now());
        const stale = stands === "revalidate";
        land(read, { kind: "found", entry, tier: "redis", stale, since, unreachable: false });
        continue;
      }
      missing.push(read);
      if (entry !== undefined && stands === "error-only")
        held.set(read, { entry, unreachable: false });
    }
    return load(missing, held, company, land);
  }

  async function load(
    reads: readonly Read[],
    held: ReadonlyMap<Read, StaleEntry>,
    company: BatchRequest,
    land: OnOutcome,
  ): Promise<void> {
    const { policy, ctx, logReachable } = company;
    const [first] = reads;
    if (first === undefined) return;
    const keys = reads.map(({ key }) => key);
    const waitMs = remaining(first);
    const startedAt = ctx.now();
    const end = (key: string, outcome: LoadOutcome, entry?: Entry): void =>
      ctx.emit({
        type: "load.end",
        key,
        ms: ctx.now() - startedAt,
        outcome,
        ...(entry !== undefined && { bytes: entry.body.length }),
      });
    const called = await callOrigin({ policy, ctx, logReachable, waitMs }, (signal) =>
      company.load(keys, signal),
    );
    if (!called.ok) {
      ctx.emit({ type: "fault.raise", fault: called.fault });
      for (const read of reads) {
        end(read.key, "failed");
        land(read, { kind: "failed", fault: called.fault, fallback: held.get(read) });
      }
      return;
    }
    const { loaded, moment } = called.value;
    const entries = new Map<Read, Entry>();
    for (const read of reads) {
      const one = loaded.get(read.key);
      const entry = one && keeper.createEntry(read.key, policy, one, moment);
      if (entry !== undefined) entries.set(read, entry);
    }
    const stored = keeper.storeMany([...entries.values()], company);
    for (const read of reads) {
      const entry = entries.get(read);
      const one = loaded.get(read.key);
      if (entry === undefined) {
        end(read.key, "uncacheable");
        if (one === undefined || one.storable || one.oneOff !== true)
          unshared.add(read.key, moment.storedAt);
        land(read, { kind: "uncacheable" });
        continue;
      }
      end(read.key, "stored", entry);
      unshared.delete(read.key);
      const made = { entry, joined: false, stored: stored.has(entry), since: moment.startedAt };
      land(read, { kind: "loaded", ...made, renewed: false, unreachable: false });
    }
  }

  return async (reads, company, land) => {
    if (reads.length === 0) return;
    const landings = new Map<Read, (outcome: LookupOutcome) => void>();
    for (const read of reads) {
      const { promise, resolve } = Promise.withResolvers<LookupOutcome>();
      landings.set(read, resolve);
      if (company.policy.flight !== "off") coalescer.register(read, promise);
    }
    try {
      await run(reads, company, (read, outcome) => {
        landings.get(read)?.(outcome);
        land(read, outcome);
      });
    } finally {
      // Nobody waits for what is not coming.
      const lost = fault("origin.unavailable", "the batch that loaded it failed");
      for (const landed of landings.values())
        landed({ kind: "failed", fault: lost, fallback: undefined });
    }
  };
}
