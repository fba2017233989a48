/** Many keys in one read: one request to Redis, and one load for what no tier has. */
import { ageOf, createEntry, verifiedCopy, type Entry, type Loaded } from "../core/entry.ts";
import { CacheUnavailable, DefinitionError, originFaultOf, type Fault } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import { judgeByNumbers } from "../core/log.ts";
import type { Policy } from "../core/policy.ts";
import type { Context, Lookup, MemoryTier, Random, SharedStore } from "../core/ports.ts";
import type { Coherence } from "./coherence.ts";
import { judgeNear } from "./near.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** Keys of one batch at most: they travel in one script call. */
const MAX_BATCH = 500;

export type LoadBatch = (
  keys: readonly string[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, Loaded>>;

export interface Batch {
  /** @throws {CacheUnavailable} if a key can be had from nowhere. */
  lookupMany(
    keys: readonly string[],
    policy: Policy,
    load: LoadBatch,
    ctx: Context,
  ): Promise<ReadonlyMap<string, Lookup>>;
}

export interface BatchOptions {
  readonly memory: MemoryTier;
  readonly store: SharedStore;
  readonly coherence: Coherence;
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
  readonly random: Random;
}

interface Progress {
  readonly found: Map<string, Lookup>;
  /** Valid entries past their time, for when the origin fails. */
  readonly held: Map<string, Entry>;
  /** Served stale; to be loaded again after the response. */
  readonly stale: string[];
  logReachable: boolean;
}

export function createBatch({ memory, store, coherence, within, random }: BatchOptions): Batch {
  async function fromMemory(
    keys: readonly string[],
    policy: Policy,
    start: EpochMs,
    ctx: Context,
    progress: Progress,
  ): Promise<void> {
    if (!policy.tiers.has("memory")) return;
    for (const key of keys) {
      const entry = memory.peek(key);
      if (entry === undefined || !progress.logReachable) continue;
      // Below the isolate's memory of the log: Redis will say, in the same request.
      if (coherence.judge(entry) === "unknown") continue;
      const near = await judgeNear(coherence, entry, policy, start, ctx);
      if (near.use === "drop") memory.remove(key);
      if (near.use === "skip") progress.logReachable = false;
      if (near.use === "serve") {
        take(key, near.entry, "memory", near.unreachable, ctx.now(), progress);
        if (near.unreachable) progress.logReachable = false;
      }
    }
  }

  async function fromRedis(
    keys: readonly string[],
    ctx: Context,
    progress: Progress,
  ): Promise<void> {
    const answer = await store.read(keys, coherence.since(), ctx);
    if (!answer.ok) {
      ctx.emit({ type: "fault.raise", fault: answer.fault });
      progress.logReachable = false;
      return;
    }
    const { found, log } = answer.value;
    const newest = found.reduce<Entry | undefined>(
      (most, next) => (next && next.entry.asOf > (most?.asOf ?? 0) ? next.entry : most),
      undefined,
    );
    if (!(await coherence.take(log, ctx, newest))) return;
    const now = ctx.now();
    for (const [i, key] of keys.entries()) {
      const verified = found[i];
      if (verified === undefined) continue;
      const verdict = judgeByNumbers(verified.entry, verified, log);
      if (verdict !== "valid" && verdict !== "soft") continue;
      if (coherence.judge(verified.entry) === "invalidated") continue;
      const entry = verifiedCopy(verified.entry, log.seq ?? 0, verdict === "soft", now);
      if (take(key, entry, "redis", false, now, progress)) memory.put(entry, now);
    }
  }

  async function fromOrigin(
    keys: readonly string[],
    policy: Policy,
    load: LoadBatch,
    ctx: Context,
    progress: Progress,
  ): Promise<void> {
    if (progress.logReachable) await coherence.ready(ctx.now(), policy.coherenceMs, ctx);
    const moment = { ...coherence.moment(), startedAt: ctx.now() };
    const abort = new AbortController();
    let loaded: ReadonlyMap<string, Loaded>;
    try {
      loaded = await within(load(keys, abort.signal), policy.originTimeoutMs);
    } catch (error) {
      abort.abort(error);
      return lastResort(keys, originFaultOf(error), ctx, progress);
    }
    const storedAt = ctx.now();
    ctx.emit({ type: "step.end", step: "origin", ms: storedAt - moment.startedAt, outcome: "ok" });
    const entries: Entry[] = [];
    for (const key of keys) {
      const one = loaded.get(key);
      const keeps = one?.storable === true && (one.kind === "value" || policy.negativeForMs > 0);
      if (!keeps) {
        progress.found.set(key, { key, status: "bypass", unreachable: false, stored: false });
        continue;
      }
      const entry = createEntry(key, policy, one, { ...moment, storedAt }, random());
      const shared = entry.era !== "" && progress.logReachable && policy.tiers.has("redis");
      const current = coherence.judge(entry) !== "invalidated";
      if (current && policy.tiers.has("memory")) memory.put(entry, storedAt);
      if (current && shared) entries.push(entry);
      const stored = current && shared;
      progress.found.set(key, { key, status: "miss", entry, unreachable: false, stored });
    }
    if (entries.length > 0) ctx.defer(store.write(entries, ctx));
  }

  function lastResort(
    keys: readonly string[],
    cause: Fault,
    ctx: Context,
    progress: Progress,
  ): void {
    ctx.emit({ type: "fault.raise", fault: cause });
    for (const key of keys) {
      const entry = progress.held.get(key);
      if (entry === undefined || ctx.now() >= entry.errorUntil) throw new CacheUnavailable(cause);
      const unreachable = !progress.logReachable;
      progress.found.set(key, { key, status: "stale-on-error", entry, unreachable, stored: false });
    }
  }

  return {
    async lookupMany(keys, policy, load, ctx) {
      const unique = [...new Set(keys)];
      checkKeys(unique);
      const start = ctx.now();
      const progress: Progress = {
        found: new Map(),
        held: new Map(),
        stale: [],
        logReachable: true,
      };
      const missing = (): string[] => unique.filter((key) => !progress.found.has(key));
      await fromMemory(unique, policy, start, ctx, progress);
      if (missing().length > 0 && progress.logReachable && policy.tiers.has("redis"))
        await fromRedis(missing(), ctx, progress);
      if (missing().length > 0) await fromOrigin(missing(), policy, load, ctx, progress);
      if (progress.stale.length > 0) {
        const again: Progress = { ...progress, found: new Map(), stale: [] };
        ctx.defer(fromOrigin(progress.stale, policy, load, ctx, again));
      }
      return progress.found;
    },
  };
}

/** Takes an entry as the answer if its age allows; otherwise holds it for a failing origin. */
function take(
  key: string,
  entry: Entry,
  tier: "memory" | "redis",
  unreachable: boolean,
  now: EpochMs,
  progress: Progress,
): boolean {
  const age = ageOf(entry, now);
  if (age === "fresh" || age === "revalidate") {
    const status = age === "fresh" ? (`hit-${tier}` as const) : "stale";
    progress.found.set(key, { key, status, tier, entry, unreachable, stored: false });
    if (age === "revalidate") progress.stale.push(key);
    return true;
  }
  if (age === "error-only") progress.held.set(key, entry);
  return false;
}

function checkKeys(keys: readonly string[]): void {
  if (keys.length > MAX_BATCH) throw new DefinitionError("keys", `at most ${MAX_BATCH} in a batch`);
  for (const key of keys) {
    const problem = keyProblem(key);
    if (problem !== undefined) throw new DefinitionError("key", problem);
  }
}
