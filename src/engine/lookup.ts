/** The cache as its users see it: one read of one key, whatever tier answers. */
import type { WithTimeout } from "../core/deadline.ts";
import { isDeadlineExceeded } from "../core/deadline.ts";
import {
  freshnessOf,
  createEntry,
  type Freshness,
  type Entry,
  type LoadResult,
  type LoadStamp,
  type LogPosition,
  type StorableResult,
} from "../core/entry.ts";
import { DefinitionError } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import { isDue } from "../core/refresh-ahead.ts";
import type { Context } from "../core/context.ts";
import type { Lookup } from "../core/lookup.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import { type Coalescer, type Resolved } from "./coalescer.ts";
import {
  beginRead,
  isServable,
  type FlightScopeOf,
  type StaleEntry,
  type LookupRequest,
  type LookupOutcome,
} from "./lookup-request.ts";
import type { EntryStore } from "./store-entry.ts";
import { firstServable, serveStaleOnError } from "./stale-if-error.ts";
import { validateIfCurrent, validateLocally, logStateFor } from "./validation.ts";

/** A load as the engine runs it. `held` is a valid entry past its time, for the origin to confirm. */
export interface LoadTask {
  /** For a reader that waits. Called at most once. */
  load(signal: AbortSignal, held: Entry | undefined): Promise<LoadResult>;
  /** For nobody: a refresh after the response. Defaults to `load`. */
  refresh?(signal: AbortSignal, held: Entry | undefined): Promise<LoadResult>;
  /** Where an entry stands for this reader, if not by its instants alone. */
  freshnessOf?(entry: Entry, now: EpochMs): Freshness;
  /** Who else waits for the load, if not whom the policy says. */
  readonly flightScopeOf?: FlightScopeOf;
}

export interface Engine {
  /** @throws {CacheUnavailable} if no tier has a value and the origin fails. */
  lookup(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
  /** Loads anew unless Redis holds a fresh value; coalesced like any load. */
  refresh(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
  /** What is known of the log: what a load that begins now may claim. */
  logPosition(): LogPosition;
  /**
   * Stores what came with another key's load, or with a write: as of that
   * moment, which began before the origin was read.
   */
  put(key: string, policy: Policy, made: StorableResult, moment: LoadStamp, ctx: Context): Put;
  /** Deletes an entry that its reader cannot use. */
  discard(entry: Entry, ctx: Context): void;
}

/** What `put` made, and whether it goes to the shared tier. */
export interface Put {
  readonly entry: Entry;
  readonly stored: boolean;
}

export interface EngineOptions {
  readonly memory: MemoryTier;
  readonly coherence: Coherence;
  readonly coalescer: Coalescer;
  readonly keeper: EntryStore;
  readonly withTimeout: WithTimeout;
  readonly random: Random;
}

export function createLookup(options: EngineOptions): Engine {
  const { memory, coherence, coalescer, keeper, withTimeout, random } = options;

  function requestOf(key: string, policy: Policy, task: LoadTask, ctx: Context): LookupRequest {
    const problem = keyProblem(key);
    if (problem !== undefined) throw new DefinitionError("key", problem);
    return {
      ...beginRead(key, policy, ctx),
      purpose: "serve",
      unverified: undefined,
      staleEntry: undefined,
      invalidatedEntry: undefined,
      logReachable: true,
      load: (signal, held) => task.load(signal, held),
      freshnessOf: task.freshnessOf ?? freshnessOf,
      flightScopeOf: task.flightScopeOf ?? (() => policy.flight),
    };
  }

  /** What memory holds, as far as the isolate can tell by itself or by one sync that all wait for. */
  async function lookUpMemory(job: LookupRequest): Promise<Lookup | LookupRequest> {
    const { key, policy, ctx, startedAt } = job;
    const entry = policy.tiers.has("memory") ? memory.peek(key) : undefined;
    if (entry === undefined) return job;
    if (freshnessOf(entry, startedAt) === "expired") {
      memory.remove(key);
      return job;
    }
    let near = validateIfCurrent(coherence, entry, job);
    if (near === "ask") {
      const reach = await logStateFor(coherence, [entry], job);
      near = validateLocally(coherence, entry, policy, reach, ctx.now());
    }
    if (near === "ask") return { ...job, unverified: entry };
    if (near.use === "skip") return { ...job, logReachable: false };
    if (near.use === "drop") {
      if (memory.peek(key) === entry) memory.remove(key);
      ctx.emit({ type: "entry.reject", key, tier: "memory", reason: near.reason });
      return { ...job, invalidatedEntry: entry };
    }
    const { unreachable } = near;
    // Not as of its start: what was softened while it asked is stale by now.
    const standing = job.freshnessOf(near.entry, ctx.now());
    if (!isServable(near.entry, standing, job))
      return { ...job, staleEntry: { entry: near.entry, unreachable }, logReachable: !unreachable };
    const status = standing === "fresh" ? "hit-memory" : "stale";
    return { key, status, tier: "memory", entry: near.entry, unreachable, stored: false };
  }

  async function walk(job: LookupRequest): Promise<Lookup> {
    const resolved = await resolveWithSoftTimeout(job);
    // The load goes on; what it brings is for the next reader.
    if (!("outcome" in resolved))
      return { key: job.key, status: "stale", ...resolved, stored: false };
    const { outcome, own } = resolved;
    if (outcome.kind === "failed")
      return serveStaleOnError(coherence, job, [job.staleEntry, outcome.fallback], outcome.fault);
    return lookupOf(job.key, outcome, own);
  }

  /** What was resolved; or, after the policy's soft timeout, what can be served meanwhile. */
  async function resolveWithSoftTimeout(job: LookupRequest): Promise<Resolved | StaleEntry> {
    const { softTimeoutMs } = job.policy;
    if (softTimeoutMs === undefined) return coalescer.resolve(job);
    const found = Promise.withResolvers<StaleEntry>();
    const resolving = coalescer.resolve({ ...job, onStaleEntry: found.resolve });
    try {
      return await withTimeout(resolving, softTimeoutMs);
    } catch (error) {
      if (!isDeadlineExceeded(error)) throw error;
    }
    const { staleEntry: held, unverified } = job;
    const own = [held, unverified && { entry: unverified, unreachable: false }];
    const late =
      (await firstServable(coherence, job, own)) ??
      (await Promise.race([resolving, found.promise]));
    if ("outcome" in late) return late;
    return (await firstServable(coherence, job, [late])) ?? resolving;
  }

  /** Memory's answer, or what the tiers behind it come to. */
  async function find(job: LookupRequest): Promise<Lookup> {
    const found = await lookUpMemory(job);
    return "status" in found ? found : walk(found);
  }

  /** Whether a later value is wanted than the one that was found. */
  function isOld({ status, entry }: Lookup, { policy, startedAt }: LookupRequest): boolean {
    if (status === "stale") return true;
    if (status !== "hit-memory" || entry === undefined) return false;
    return isDue(entry, policy.refreshAhead, startedAt, random());
  }

  function startRefresh(job: LookupRequest, task: LoadTask, { entry, unreachable }: Lookup): void {
    const { key, policy, ctx } = job;
    const started = coalescer.startDetached({
      ...job,
      // Nobody waits for it: the time of the read that found it old is not its own.
      ...beginRead(key, policy, ctx),
      purpose: "refresh",
      staleEntry: entry && { entry, unreachable },
      load: (signal, held) => (task.refresh ?? task.load)(signal, held),
    });
    if (started) ctx.emit({ type: "refresh.start", key });
  }

  return {
    logPosition: () => coherence.logPosition(),

    async lookup(key, policy, task, ctx) {
      const job = requestOf(key, policy, task, ctx);
      const lookup = await find(job);
      if (isOld(lookup, job)) startRefresh(job, task, lookup);
      emitLookupEnd(lookup, ctx);
      return lookup;
    },

    async refresh(key, policy, task, ctx) {
      const job: LookupRequest = { ...requestOf(key, policy, task, ctx), purpose: "refresh" };
      const lookup = await walk(job);
      emitLookupEnd(lookup, ctx);
      return lookup;
    },

    put(key, policy, made, moment, ctx) {
      const entry = createEntry(key, policy, made, moment, 0);
      return { entry, ...keeper.store(entry, { policy, ctx, logReachable: true }) };
    },

    discard(entry, ctx) {
      ctx.emit({ type: "entry.reject", key: entry.key, tier: "memory", reason: "unfit" });
      keeper.discard(entry, ctx);
    },
  };
}

/** What a reader is told of an outcome; `own`: of its own walk. */
export function lookupOf(
  key: string,
  outcome: Exclude<LookupOutcome, { readonly kind: "failed" }>,
  own: boolean,
): Lookup {
  switch (outcome.kind) {
    case "found": {
      const { entry, tier, unreachable, stale } = outcome;
      const status = stale ? "stale" : (`hit-${tier}` as const);
      return { key, status, tier, entry, unreachable, stored: false };
    }
    case "loaded": {
      const { entry, joined, stored, renewed, unreachable } = outcome;
      const status = own && !joined ? "miss" : "joined";
      return { key, status, entry, unreachable, stored, renewed };
    }
    case "uncacheable":
      return { key, status: "bypass", unreachable: false, stored: false };
  }
}

/** Every lookup ends with this event, whoever made it. */
export function emitLookupEnd({ key, status, entry, unreachable }: Lookup, ctx: Context): void {
  ctx.emit({ type: "lookup.end", key, status, negative: entry?.kind === "absent", unreachable });
}
