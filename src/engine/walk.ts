/** A read's way outward from the isolate: edge, then Redis, then the origin. */
import { ageOf, verifiedCopy, type Entry } from "../core/entry.ts";
import { judgeByNumbers } from "../core/log.ts";
import type { Context, MemoryTier, SharedStore, Tier } from "../core/ports.ts";
import type { Coherence } from "./coherence.ts";
import { serves, type Job, type Outcome } from "./job.ts";
import type { Loader } from "./load.ts";
import { judgeNear } from "./near.ts";
import type { Unshared } from "./unshared.ts";

export interface WalkOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly coherence: Coherence;
  readonly loader: Loader;
  readonly unshared: Unshared;
}

/** A tier's contribution: an answer, or what it adds for the tiers behind it. */
type Stop =
  | { readonly answer: Outcome }
  | { readonly held: Entry | undefined; readonly logReachable: boolean };

export function createWalk(options: WalkOptions) {
  const { memory, edge, store, coherence, loader, unshared } = options;

  async function askEdge(job: Job): Promise<Stop> {
    const { key, policy, ctx } = job;
    const on = { held: job.held, logReachable: job.logReachable };
    const found = await timed(ctx, () => edge.get(key, ctx));
    if (!found.ok) {
      ctx.emit({ type: "fault.raise", fault: found.fault });
      return on;
    }
    if (found.value === undefined) return on;
    const near = await judgeNear(coherence, found.value, policy, job.startedAt, ctx);
    if (near.use === "drop") {
      ctx.emit({ type: "entry.reject", key, tier: "edge", reason: near.reason });
      return on;
    }
    if (near.use === "skip") return { ...on, logReachable: false };
    const age = job.standing(near.entry, ctx.now());
    if (!serves(near.entry, age, job)) return { ...on, held: newer(on.held, near.entry, near.age) };
    if (policy.tiers.has("memory") && !near.unreachable) memory.put(near.entry, ctx.now());
    const { entry, unreachable } = near;
    // As recent as the isolate's knowledge of the log, by which it was judged.
    const since = job.startedAt - policy.coherenceMs;
    const stale = age !== "fresh";
    return { answer: { kind: "found", entry, tier: "edge", stale, unreachable, since } };
  }

  async function askRedis(job: Job): Promise<Stop> {
    const { key, policy, ctx } = job;
    const on = { held: job.held, logReachable: job.logReachable };
    // Without Redis as a tier its log is still what makes the load's entry trustworthy.
    if (!policy.tiers.has("redis")) {
      const reach = await coherence.ready(job.startedAt, policy.coherenceMs, ctx);
      return { ...on, logReachable: reach === "current" };
    }
    const since = ctx.now();
    const answer = await store.read([key], coherence.since(), ctx);
    if (!answer.ok) {
      ctx.emit({ type: "fault.raise", fault: answer.fault });
      return { ...on, logReachable: false };
    }
    const { found, log } = answer.value;
    const [verified] = found;
    const trusted = await coherence.take(log, ctx, verified?.entry);
    if (verified === undefined || !trusted) return on;
    const verdict = judgeByNumbers(verified.entry, verified, log);
    // A number noted here and not yet seen in the log: this isolate's own write.
    const known = coherence.judge(verified.entry);
    if ((verdict !== "valid" && verdict !== "soft") || known === "invalidated") {
      const reason = verdict === "era" || verdict === "floor" ? verdict : "invalidated";
      ctx.emit({ type: "entry.reject", key, tier: "redis", reason });
      return on;
    }
    const now = ctx.now();
    const entry = verifiedCopy(verified.entry, log.seq ?? 0, verdict === "soft", now);
    const age = job.standing(entry, now);
    if (!serves(entry, age, job)) return { ...on, held: newer(on.held, entry, ageOf(entry, now)) };
    if (policy.tiers.has("memory")) memory.put(entry, now);
    if (policy.tiers.has("edge")) ctx.defer(edge.set(entry, ctx));
    const stale = age !== "fresh";
    return { answer: { kind: "found", entry, tier: "redis", stale, unreachable: false, since } };
  }

  return async function walk(start: Job): Promise<Outcome> {
    let job = start;
    if (unshared.has(job.key, job.ctx.now())) return loader.load(job);
    // A refresh does not ask the edge: it holds what is being refreshed.
    if (job.policy.tiers.has("edge") && job.logReachable && job.purpose === "serve") {
      const stop = await askEdge(job);
      if ("answer" in stop) return stop.answer;
      job = { ...job, ...stop };
    }
    if (job.logReachable) {
      const stop = await askRedis(job);
      if ("answer" in stop) return stop.answer;
      job = { ...job, ...stop };
    }
    if (job.held !== undefined) job.onHeld?.(job.held);
    return loader.load(job);
  };
}

function newer(held: Entry | undefined, entry: Entry, age: string): Entry | undefined {
  if (age === "expired") return held;
  return held === undefined || held.storedAt < entry.storedAt ? entry : held;
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
