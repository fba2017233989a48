/** The cache as its users see it: one read of one key, whatever tier answers. */
import { ageOf, type Entry, type Loaded } from "../core/entry.ts";
import { CacheUnavailable, DefinitionError } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import type { Context, Lookup, MemoryTier } from "../core/ports.ts";
import type { Coherence } from "./coherence.ts";
import type { Coalescer } from "./flight.ts";
import type { Job, Outcome } from "./job.ts";
import { judgeNear, type NearAnswer } from "./near.ts";
import type { EpochMs } from "../core/time.ts";

/** A load as the engine runs it. */
export interface LoadTask {
  /** For a reader that waits. Called at most once. */
  load(signal: AbortSignal, held: Entry | undefined): Promise<Loaded>;
  /** For nobody: a refresh after the response. Defaults to `load`. */
  refresh?(signal: AbortSignal, held: Entry | undefined): Promise<Loaded>;
}

export interface Engine {
  /** @throws {CacheUnavailable} if no tier has a value and the origin fails. */
  lookup(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
  /** Loads anew, whatever the tiers hold; coalesced like any load. */
  refresh(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
}

export interface EngineOptions {
  readonly memory: MemoryTier;
  readonly coherence: Coherence;
  readonly coalescer: Coalescer;
}

type Held = { readonly entry: Entry; readonly unreachable: boolean };

export function createEngine({ memory, coherence, coalescer }: EngineOptions): Engine {
  function jobOf(
    key: string,
    policy: Policy,
    load: LoadTask["load"],
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
      load,
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
    const base = jobOf(key, policy, task.load, ctx, start);
    let held: Held | undefined;
    if (near?.use === "serve") {
      const { entry, age, unreachable } = near;
      const found: Lookup = {
        key,
        status: "hit-memory",
        tier: "memory",
        entry,
        unreachable,
        stored: false,
      };
      if (age === "fresh") return end(found, ctx);
      if (age === "revalidate") {
        startRefresh({ ...base, held: entry }, task);
        return end({ ...found, status: "stale" }, ctx);
      }
      held = near;
    }
    const logReachable = near?.use !== "skip" && held?.unreachable !== true;
    const job: Job = { ...base, held: held?.entry, logReachable };
    const { outcome, own } = await coalescer.resolve(job);
    if (outcome.kind === "found" && outcome.stale)
      startRefresh({ ...job, held: outcome.entry }, task);
    return end(answer(key, outcome, own, held, ctx), ctx);
  }

  function answer(
    key: string,
    outcome: Outcome,
    own: boolean,
    held: Held | undefined,
    ctx: Context,
  ): Lookup {
    return outcome.kind === "failed"
      ? lastResort(key, outcome, held, ctx)
      : lookupOf(key, outcome, own);
  }

  /** The origin failed: what is held past its time, unless it was invalidated meanwhile. */
  function lastResort(key: string, outcome: Failed, held: Held | undefined, ctx: Context): Lookup {
    const { fault, fallback } = outcome;
    const entry = [held?.entry, fallback].find(
      (candidate) => candidate !== undefined && usable(candidate, ctx.now()),
    );
    if (entry === undefined) throw new CacheUnavailable(fault);
    const unreachable = outcome.unreachable || held?.unreachable === true;
    return { key, status: "stale-on-error", entry, unreachable, stored: false };
  }

  function usable(entry: Entry, now: EpochMs): boolean {
    const verdict = coherence.judge(entry);
    return (
      now < entry.errorUntil && (verdict === "valid" || verdict === "soft" || entry.era === "")
    );
  }

  function startRefresh(job: Job, task: LoadTask): void {
    job.ctx.emit({ type: "refresh.start", key: job.key });
    const load = task.refresh ?? task.load;
    coalescer.kick({ ...job, purpose: "refresh", load });
  }

  return {
    lookup,

    async refresh(key, policy, task, ctx) {
      const job = jobOf(key, policy, task.load, ctx, ctx.now());
      const { outcome, own } = await coalescer.resolve({ ...job, purpose: "refresh" });
      return end(answer(key, outcome, own, undefined, ctx), ctx);
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
