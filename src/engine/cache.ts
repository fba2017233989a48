/** The cache as its users see it: one read of one key, whatever tier answers. */
import {
  ageOf,
  createEntry,
  type Age,
  type Entry,
  type Loaded,
  type LoadMoment,
  type Storable,
} from "../core/entry.ts";
import { CacheUnavailable, DefinitionError } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import { isDue } from "../core/early.ts";
import type { Context, Lookup, MemoryTier, Random } from "../core/ports.ts";
import type { Coherence } from "./coherence.ts";
import type { Coalescer, Resolved } from "./flight.ts";
import type { Job, Outcome } from "./job.ts";
import type { Loader } from "./load.ts";
import { judgeNear, type NearAnswer } from "./near.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** A load as the engine runs it. */
export interface LoadTask {
  /** For a reader that waits. Called at most once. */
  load(signal: AbortSignal, held: Entry | undefined): Promise<Loaded>;
  /** For nobody: a refresh after the response. Defaults to `load`. */
  refresh?(signal: AbortSignal, held: Entry | undefined): Promise<Loaded>;
  /** Where an entry stands for this reader, if not by its instants alone. */
  standing?(entry: Entry, now: EpochMs): Age;
}

export interface Engine {
  /** @throws {CacheUnavailable} if no tier has a value and the origin fails. */
  lookup(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
  /** Loads anew, whatever the tiers hold; coalesced like any load. */
  refresh(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
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
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
  readonly random: Random;
  readonly loader: Pick<Loader, "keep" | "discard">;
}

type Held = { readonly entry: Entry; readonly unreachable: boolean };

export function createEngine(options: EngineOptions): Engine {
  const { memory, coherence, coalescer, loader, within, random } = options;

  function jobOf(
    key: string,
    policy: Policy,
    task: LoadTask,
    ctx: Context,
    startedAt: EpochMs,
  ): Job {
    return {
      key,
      policy,
      ctx,
      startedAt,
      deadlineAt: startedAt + 2 * policy.originTimeoutMs,
      purpose: "serve",
      held: undefined,
      logReachable: true,
      load: task.load,
      standing: task.standing ?? ageOf,
    };
  }

  /** What memory holds for this read. Waits only if the log must be asked. */
  async function peek(
    key: string,
    policy: Policy,
    start: EpochMs,
    ctx: Context,
  ): Promise<NearAnswer | undefined> {
    const entry = policy.tiers.has("memory") ? memory.peek(key) : undefined;
    if (entry === undefined) return undefined;
    if (ageOf(entry, start) === "expired") {
      memory.remove(key);
      return undefined;
    }
    const answer = judgeNear(coherence, entry, policy, start, ctx);
    const near = "use" in answer ? answer : await answer;
    if (near.use === "drop") {
      memory.remove(key);
      ctx.emit({ type: "entry.reject", key, tier: "memory", reason: near.reason });
    }
    // Verified by its tags just now: the copy need not be asked about again.
    if (near.use === "serve" && near.entry.asOf > entry.asOf) memory.put(near.entry, start);
    return near;
  }

  async function lookup(
    key: string,
    policy: Policy,
    task: LoadTask,
    ctx: Context,
  ): Promise<Lookup> {
    const problem = keyProblem(key);
    if (problem !== undefined) throw new DefinitionError("key", problem);
    const start = ctx.now();
    const near = await peek(key, policy, start, ctx);
    const base = jobOf(key, policy, task, ctx, start);
    let held: Held | undefined;
    if (near?.use === "serve") {
      const { entry, unreachable } = near;
      const age = base.standing(entry, start);
      const found: Lookup = {
        key,
        status: "hit-memory",
        tier: "memory",
        entry,
        unreachable,
        stored: false,
      };
      if (age === "fresh") {
        if (isDue(entry, policy.refreshAhead, start, random()))
          startRefresh({ ...base, held: entry }, task);
        return end(found, ctx);
      }
      if (age === "revalidate") {
        startRefresh({ ...base, held: entry }, task);
        return end({ ...found, status: "stale" }, ctx);
      }
      held = near;
    }
    const logReachable = near?.use !== "skip" && held?.unreachable !== true;
    let late = held?.entry;
    const onHeld = (entry: Entry): void => void (late = entry);
    const job: Job = { ...base, held: held?.entry, logReachable, onHeld };
    const resolved = await withPatience(job, coalescer.resolve(job), () => late);
    if (!("outcome" in resolved)) {
      // The load goes on; what it brings is for the next reader.
      const unreachable = held?.unreachable ?? false;
      return end({ key, status: "stale", entry: resolved, unreachable, stored: false }, ctx);
    }
    const { outcome, own } = resolved;
    if (outcome.kind === "found" && outcome.stale)
      startRefresh({ ...job, held: outcome.entry }, task);
    return end(answer(job, outcome, own, held), ctx);
  }

  /** What was resolved; or, after the policy's soft timeout, what can be served meanwhile. */
  async function withPatience(
    job: Job,
    resolving: Promise<Resolved>,
    late: () => Entry | undefined,
  ): Promise<Resolved | Entry> {
    const { softTimeoutMs } = job.policy;
    if (softTimeoutMs === undefined) return resolving;
    try {
      return await within(resolving, softTimeoutMs);
    } catch (error) {
      if (!(error instanceof Error && error.name === "DeadlineExceeded")) throw error;
      const entry = late();
      return entry !== undefined && usable(entry, job, job.ctx.now()) ? entry : resolving;
    }
  }

  function answer(job: Job, outcome: Outcome, own: boolean, held: Held | undefined): Lookup {
    return outcome.kind === "failed"
      ? lastResort(job, outcome, held)
      : lookupOf(job.key, outcome, own);
  }

  /** The origin failed: what is held past its time, unless it was invalidated meanwhile. */
  function lastResort(job: Job, outcome: Failed, held: Held | undefined): Lookup {
    const { fault, fallback } = outcome;
    const { key, ctx } = job;
    const entry = [held?.entry, fallback].find(
      (candidate) => candidate !== undefined && usable(candidate, job, ctx.now()),
    );
    if (entry === undefined) throw new CacheUnavailable(fault);
    const unreachable = outcome.unreachable || held?.unreachable === true;
    return { key, status: "stale-on-error", entry, unreachable, stored: false };
  }

  function usable(entry: Entry, job: Job, now: EpochMs): boolean {
    const age = job.standing(entry, now);
    if (age === "kept" || age === "expired") return false;
    const verdict = coherence.judge(entry);
    return verdict === "valid" || verdict === "soft" || entry.era === "";
  }

  function startRefresh(job: Job, task: LoadTask): void {
    job.ctx.emit({ type: "refresh.start", key: job.key });
    const load = task.refresh ?? task.load;
    coalescer.kick({ ...job, purpose: "refresh", load });
  }

  return {
    lookup,

    discard(entry, ctx) {
      ctx.emit({ type: "entry.reject", key: entry.key, tier: "memory", reason: "unfit" });
      loader.discard(entry, ctx);
    },

    async refresh(key, policy, task, ctx) {
      const job = jobOf(key, policy, task, ctx, ctx.now());
      const { outcome, own } = await coalescer.resolve({ ...job, purpose: "refresh" });
      return end(answer(job, outcome, own, undefined), ctx);
    },

    put(key, policy, made, moment, ctx) {
      const job = jobOf(key, policy, { load: () => Promise.resolve(made) }, ctx, ctx.now());
      const entry = createEntry(key, policy, made, moment, 0);
      return { entry, stored: loader.keep(entry, job) };
    },
  };
}

type Failed = Extract<Outcome, { kind: "failed" }>;

function lookupOf(key: string, outcome: Exclude<Outcome, Failed>, own: boolean): Lookup {
  switch (outcome.kind) {
    case "found": {
      const { entry, tier, unreachable, stale } = outcome;
      return {
        key,
        status: stale ? "stale" : `hit-${tier}`,
        tier,
        entry,
        unreachable,
        stored: false,
      };
    }
    case "loaded": {
      const { entry, joined, stored } = outcome;
      const status = own && !joined ? "miss" : "joined";
      return { key, status, entry, unreachable: false, stored };
    }
    case "uncacheable":
      return { key, status: "bypass", unreachable: false, stored: false };
  }
}

function end(lookup: Lookup, ctx: Context): Lookup {
  ctx.emit({
    type: "lookup.end",
    key: lookup.key,
    status: lookup.status,
    negative: lookup.entry?.kind === "absent",
    unreachable: lookup.unreachable,
  });
  return lookup;
}
