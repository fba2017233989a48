/** A read's way outward from the isolate: edge, then Redis, then the origin. */
import { ageOf, type Entry } from "../core/entry.ts";
import type { Context, MemoryTier, Tier } from "../core/ports.ts";
import type { TierName } from "../core/policy.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import { serves, type Held, type Job, type Outcome } from "./job.ts";
import type { Keeper } from "./keep.ts";
import type { Loader } from "./load.ts";
import { judgeNear } from "./near.ts";
import type { SharedReader } from "./shared.ts";
import type { Unshared } from "./unshared.ts";

export interface WalkOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly shared: SharedReader;
  readonly coherence: Coherence;
  readonly keeper: Keeper;
  readonly loader: Loader;
  readonly unshared: Unshared;
}

/** A tier's contribution: an answer, or the job for the tiers behind it. */
type Stop = { readonly answer: Outcome } | { readonly job: Job };

export function createWalk(options: WalkOptions): (job: Job) => Promise<Outcome> {
  const { memory, edge, shared, coherence, keeper, loader, unshared } = options;

  /** An entry of a near tier, as far as the log allows. */
  async function consider(tier: "memory" | "edge", entry: Entry, job: Job): Promise<Stop> {
    const { key, policy, ctx } = job;
    const near = await judgeNear(coherence, entry, job);
    if (near.use === "skip") return { job: { ...job, logReachable: false } };
    if (near.use === "drop") {
      if (tier === "memory" && memory.peek(key) === entry) memory.remove(key);
      ctx.emit({ type: "entry.reject", key, tier, reason: near.reason });
      return { job: { ...job, ended: entry } };
    }
    const { unreachable } = near;
    // Verified by its names just now, or new to memory: the copy need not be asked about again.
    const better = tier === "edge" || near.entry.asOf > entry.asOf;
    if (better && policy.tiers.has("memory") && !unreachable) memory.put(near.entry, ctx.now());
    // As recent as the isolate's knowledge of the log, by which it was judged.
    return stop(job, near.entry, { tier, unreachable, since: job.startedAt - policy.coherenceMs });
  }

  async function askEdge(job: Job): Promise<Stop> {
    const { key, ctx } = job;
    const found = await timed(ctx, () => edge.get(key, ctx));
    if (!found.ok) ctx.emit({ type: "fault.raise", fault: found.fault });
    return found.ok && found.value !== undefined ? consider("edge", found.value, job) : { job };
  }

  async function askRedis(job: Job): Promise<Stop> {
    const { key, policy, ctx, startedAt } = job;
    // Without Redis as a tier its log is still what makes the load's entry trustworthy.
    if (!policy.tiers.has("redis")) {
      const reach = await coherence.ready(startedAt, policy.coherenceMs, ctx);
      return { job: { ...job, logReachable: reach === "current" } };
    }
    const since = ctx.now();
    const found = await shared.read([key], ctx);
    if (found === "unreachable") return { job: { ...job, logReachable: false } };
    const [{ entry, ended = job.ended } = {}] = found;
    if (entry === undefined) return { job: { ...job, ended } };
    if (serves(entry, job.standing(entry, ctx.now()), job)) keeper.keepNear(entry, policy, ctx);
    return stop(job, entry, { tier: "redis", unreachable: false, since });
  }

  return async function walk(start: Job): Promise<Outcome> {
    const { key, policy, ctx, purpose, unverified } = start;
    const steps: ((job: Job) => Promise<Stop>)[] = [];
    if (unverified !== undefined) steps.push((job) => consider("memory", unverified, job));
    if (!unshared.has(key, ctx.now())) {
      // A refresh does not ask the edge: it holds what is being refreshed.
      if (policy.tiers.has("edge") && purpose === "serve") steps.push(askEdge);
      steps.push(askRedis);
    }
    let job = start;
    for (const step of steps) {
      if (!job.logReachable) break;
      const stop = await step(job);
      if ("answer" in stop) return stop.answer;
      ({ job } = stop);
    }
    if (job.held !== undefined) job.onHeld?.(job.held);
    return loader.load(job);
  };
}

/** The entry as the answer if it serves this reader; otherwise held for a failing origin. */
function stop(
  job: Job,
  entry: Entry,
  from: { readonly tier: TierName; readonly unreachable: boolean; readonly since: EpochMs },
): Stop {
  const now = job.ctx.now();
  const standing = job.standing(entry, now);
  if (serves(entry, standing, job))
    return { answer: { kind: "found", entry, stale: standing !== "fresh", ...from } };
  const { unreachable } = from;
  const held = ageOf(entry, now) === "expired" ? job.held : newer(job.held, { entry, unreachable });
  return { job: { ...job, held, logReachable: job.logReachable && !unreachable } };
}

function newer(held: Held | undefined, next: Held): Held {
  return held === undefined || held.entry.storedAt < next.entry.storedAt ? next : held;
}

async function timed<T extends { ok: boolean }>(ctx: Context, call: () => Promise<T>): Promise<T> {
  const startedAt = ctx.now();
  const result = await call();
  ctx.emit({
    type: "step.end",
    step: "edge",
    ms: ctx.now() - startedAt,
    outcome: result.ok ? "ok" : "edge.unavailable",
  });
  return result;
}
