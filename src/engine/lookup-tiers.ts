/** A read's way outward from the isolate: edge, then Redis, then the origin. */
import { timeStep } from "../core/timed-step.ts";
import { freshnessOf, type Entry } from "../core/entry.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { TierName } from "../core/policy.ts";
import type { EpochMs } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import {
  isServable,
  type StaleEntry,
  type LookupRequest,
  type LookupOutcome,
} from "./lookup-request.ts";
import type { EntryStore } from "./store-entry.ts";
import type { Loader } from "./load.ts";
import { validate } from "./validation.ts";
import type { SharedReader } from "./shared-store-reader.ts";
import type { HitForMiss } from "./hit-for-miss.ts";

export interface TierLookupOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly shared: SharedReader;
  readonly coherence: Coherence;
  readonly keeper: EntryStore;
  readonly loader: Loader;
  readonly unshared: HitForMiss;
}

/** A tier's contribution: an answer, or the job for the tiers behind it. */
type Stop = { readonly answer: LookupOutcome } | { readonly job: LookupRequest };

export function createTierLookup(
  options: TierLookupOptions,
): (job: LookupRequest) => Promise<LookupOutcome> {
  const { memory, edge, shared, coherence, keeper, loader, unshared } = options;

  /** An entry of a near tier, as far as the log allows. */
  async function consider(
    tier: "memory" | "edge",
    entry: Entry,
    job: LookupRequest,
  ): Promise<Stop> {
    const { key, policy, ctx } = job;
    const near = await validate(coherence, entry, job);
    if (near.use === "skip") return { job: { ...job, logReachable: false } };
    if (near.use === "drop") {
      if (tier === "memory" && memory.peek(key) === entry) memory.remove(key);
      ctx.emit({ type: "entry.reject", key, tier, reason: near.reason });
      return { job: { ...job, invalidatedEntry: entry } };
    }
    const { unreachable } = near;
    // Verified by its names just now, or new to memory: the copy need not be asked about again.
    const better = tier === "edge" || near.entry.asOf > entry.asOf;
    if (better && policy.tiers.has("memory") && !unreachable) memory.put(near.entry, ctx.now());
    // As recent as the isolate's knowledge of the log, by which it was judged.
    return stop(job, near.entry, { tier, unreachable, since: job.startedAt - policy.coherenceMs });
  }

  async function askEdge(job: LookupRequest): Promise<Stop> {
    const { key, ctx } = job;
    const found = await timeStep(
      ctx,
      "edge",
      () => edge.get(key, ctx),
      ({ ok }) => (ok ? "ok" : "edge.unavailable"),
    );
    if (!found.ok) ctx.emit({ type: "fault.raise", fault: found.fault });
    return found.ok && found.value !== undefined ? consider("edge", found.value, job) : { job };
  }

  async function askRedis(job: LookupRequest): Promise<Stop> {
    const { key, policy, ctx, startedAt } = job;
    // Without Redis as a tier its log is still what makes the load's entry trustworthy.
    if (!policy.tiers.has("redis")) {
      const reach = await coherence.ensureCurrent(startedAt, policy.coherenceMs, ctx);
      return { job: { ...job, logReachable: reach === "current" } };
    }
    const since = ctx.now();
    const found = await shared.read([key], ctx);
    if (found === "unreachable") return { job: { ...job, logReachable: false } };
    const [{ entry, invalidatedEntry: ended = job.invalidatedEntry } = {}] = found;
    if (entry === undefined) return { job: { ...job, invalidatedEntry: ended } };
    if (isServable(entry, job.freshnessOf(entry, ctx.now()), job))
      keeper.storeLocally(entry, policy, ctx);
    return stop(job, entry, { tier: "redis", unreachable: false, since });
  }

  return async function walk(start: LookupRequest): Promise<LookupOutcome> {
    const { key, policy, ctx, purpose, unverified } = start;
    const steps: ((job: LookupRequest) => Promise<Stop>)[] = [];
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
    if (job.staleEntry !== undefined) job.onStaleEntry?.(job.staleEntry);
    return loader.load(job);
  };
}

/** The entry as the answer if it serves this reader; otherwise held for a failing origin. */
function stop(
  job: LookupRequest,
  entry: Entry,
  from: { readonly tier: TierName; readonly unreachable: boolean; readonly since: EpochMs },
): Stop {
  const now = job.ctx.now();
  const standing = job.freshnessOf(entry, now);
  if (isServable(entry, standing, job))
    return { answer: { kind: "found", entry, stale: standing !== "fresh", ...from } };
  const { unreachable } = from;
  const held =
    freshnessOf(entry, now) === "expired"
      ? job.staleEntry
      : newer(job.staleEntry, { entry, unreachable });
  return { job: { ...job, staleEntry: held, logReachable: job.logReachable && !unreachable } };
}

function newer(held: StaleEntry | undefined, next: StaleEntry): StaleEntry {
  return held === undefined || held.entry.storedAt < next.entry.storedAt ? next : held;
}
