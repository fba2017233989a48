/** The cache as its users see it: one read of one key, whatever tier answers. */
import {
  ageOf,
  createEntry,
  type Age,
  type Entry,
  type Loaded,
  type LoadMoment,
  type LogMoment,
  type Storable,
} from "../core/entry.ts";
import { DefinitionError } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import { isDue } from "../core/early.ts";
import type { Context, Lookup, MemoryTier, Random } from "../core/ports.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import { isLate, type Coalescer, type Resolved } from "./flight.ts";
import { beginRead, serves, type Flight, type Held, type Job, type Outcome } from "./job.ts";
import type { Keeper } from "./keep.ts";
import { firstUsable, lastResort } from "./last-resort.ts";
import { glance, judgeKnown, reachFor } from "./near.ts";

/** A load as the engine runs it. `held` is a valid entry past its time, for the origin to confirm. */
export interface LoadTask {
  /** For a reader that waits. Called at most once. */
  load(signal: AbortSignal, held: Entry | undefined): Promise<Loaded>;
  /** For nobody: a refresh after the response. Defaults to `load`. */
  refresh?(signal: AbortSignal, held: Entry | undefined): Promise<Loaded>;
  /** Where an entry stands for this reader, if not by its instants alone. */
  standing?(entry: Entry, now: EpochMs): Age;
  /** Who else waits for the load, if not whom the policy says. */
  readonly flight?: Flight;
}

export interface Engine {
  /** @throws {CacheUnavailable} if no tier has a value and the origin fails. */
  lookup(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
  /** Loads anew unless Redis holds a fresh value; coalesced like any load. */
  refresh(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
  /** What is known of the log: what a load that begins now may claim. */
  moment(): LogMoment;
  /**
   * Stores what came with another key's load, or with a write: as of that
   * moment, which began before the origin was read.
   */
  put(key: string, policy: Policy, made: Storable, moment: LoadMoment, ctx: Context): Put;
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
  readonly keeper: Keeper;
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
  readonly random: Random;
}

export function createEngine(options: EngineOptions): Engine {
  const { memory, coherence, coalescer, keeper, within, random } = options;

  function jobOf(key: string, policy: Policy, task: LoadTask, ctx: Context): Job {
    const problem = keyProblem(key);
    if (problem !== undefined) throw new DefinitionError("key", problem);
    return {
      ...beginRead(key, policy, ctx),
      purpose: "serve",
      unverified: undefined,
      held: undefined,
      ended: undefined,
      logReachable: true,
      load: (signal, held) => task.load(signal, held),
      standing: task.standing ?? ageOf,
      flight: task.flight ?? (() => policy.flight),
    };
  }

  /** What memory holds, as far as the isolate can tell by itself or by one sync that all wait for. */
  async function recall(job: Job): Promise<Lookup | Job> {
    const { key, policy, ctx, startedAt } = job;
    const entry = policy.tiers.has("memory") ? memory.peek(key) : undefined;
    if (entry === undefined) return job;
    if (ageOf(entry, startedAt) === "expired") {
      memory.remove(key);
      return job;
    }
    let near = glance(coherence, entry, job);
    if (near === "ask") {
      const reach = await reachFor(coherence, [entry], job);
      near = judgeKnown(coherence, entry, policy, reach, ctx.now());
    }
    if (near === "ask") return { ...job, unverified: entry };
    if (near.use === "skip") return { ...job, logReachable: false };
    if (near.use === "drop") {
      if (memory.peek(key) === entry) memory.remove(key);
      ctx.emit({ type: "entry.reject", key, tier: "memory", reason: near.reason });
      return { ...job, ended: entry };
    }
    const { unreachable } = near;
    // Not as of its start: what was softened while it asked is stale by now.
    const standing = job.standing(near.entry, ctx.now());
    if (!serves(near.entry, standing, job))
      return { ...job, held: { entry: near.entry, unreachable }, logReachable: !unreachable };
    const status = standing === "fresh" ? "hit-memory" : "stale";
    return { key, status, tier: "memory", entry: near.entry, unreachable, stored: false };
  }

  async function walk(job: Job): Promise<Lookup> {
    const resolved = await withPatience(job);
    // The load goes on; what it brings is for the next reader.
    if (!("outcome" in resolved))
      return { key: job.key, status: "stale", ...resolved, stored: false };
    const { outcome, own } = resolved;
    if (outcome.kind === "failed")
      return lastResort(coherence, job, [job.held, outcome.fallback], outcome.fault);
    return lookupOf(job.key, outcome, own);
  }

  /** What was resolved; or, after the policy's soft timeout, what can be served meanwhile. */
  async function withPatience(job: Job): Promise<Resolved | Held> {
    const { softTimeoutMs } = job.policy;
    if (softTimeoutMs === undefined) return coalescer.resolve(job);
    const found = Promise.withResolvers<Held>();
    const resolving = coalescer.resolve({ ...job, onHeld: found.resolve });
    try {
      return await within(resolving, softTimeoutMs);
    } catch (error) {
      if (!isLate(error)) throw error;
    }
    const { held, unverified } = job;
    const own = [held, unverified && { entry: unverified, unreachable: false }];
    const late =
      (await firstUsable(coherence, job, own)) ?? (await Promise.race([resolving, found.promise]));
    if ("outcome" in late) return late;
    return (await firstUsable(coherence, job, [late])) ?? resolving;
  }

  /** Memory's answer, or what the tiers behind it come to. */
  async function find(job: Job): Promise<Lookup> {
    const found = await recall(job);
    return "status" in found ? found : walk(found);
  }

  /** Whether a later value is wanted than the one that was found. */
  function isOld({ status, entry }: Lookup, { policy, startedAt }: Job): boolean {
    if (status === "stale") return true;
    if (status !== "hit-memory" || entry === undefined) return false;
    return isDue(entry, policy.refreshAhead, startedAt, random());
  }

  function startRefresh(job: Job, task: LoadTask, { entry, unreachable }: Lookup): void {
    const { key, policy, ctx } = job;
    const started = coalescer.kick({
      ...job,
      // Nobody waits for it: the time of the read that found it old is not its own.
      ...beginRead(key, policy, ctx),
      purpose: "refresh",
      held: entry && { entry, unreachable },
      load: (signal, held) => (task.refresh ?? task.load)(signal, held),
    });
    if (started) ctx.emit({ type: "refresh.start", key });
  }

  return {
    moment: () => coherence.moment(),

    async lookup(key, policy, task, ctx) {
      const job = jobOf(key, policy, task, ctx);
      const lookup = await find(job);
      if (isOld(lookup, job)) startRefresh(job, task, lookup);
      announce(lookup, ctx);
      return lookup;
    },

    async refresh(key, policy, task, ctx) {
      const job: Job = { ...jobOf(key, policy, task, ctx), purpose: "refresh" };
      const lookup = await walk(job);
      announce(lookup, ctx);
      return lookup;
    },

    put(key, policy, made, moment, ctx) {
      const entry = createEntry(key, policy, made, moment, 0);
      return { entry, ...keeper.keep(entry, { policy, ctx, logReachable: true }) };
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
  outcome: Exclude<Outcome, { readonly kind: "failed" }>,
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
export function announce({ key, status, entry, unreachable }: Lookup, ctx: Context): void {
  ctx.emit({ type: "lookup.end", key, status, negative: entry?.kind === "absent", unreachable });
}
