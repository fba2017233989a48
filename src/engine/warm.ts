/**
 * Loads entries into Redis before a caller asks for them. Later lookups of the keys store the
 * entries in memory and in the edge.
 */
import { createEntry, type Entry } from "../core/entry.ts";
import { DefinitionError, type Fault } from "../core/faults.ts";
import { checkKey } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Warmed, WarmProgress } from "../core/data-reader.ts";
import type { BatchLoader } from "./lookup-many.ts";
import type { Coherence } from "./coherence.ts";
import type { CallOrigin } from "./origin-call.ts";
import { createEntryReader } from "./entry-reader.ts";

/** The number of keys in one round. A round has one read of Redis, one load and one write. */
const ROUND_KEYS = 200;
const DEFAULT_CONCURRENCY = 2;

export interface WarmOptions {
  /** The number of rounds that run at the same time. Default: 2. */
  readonly concurrency?: number;
}

export interface Warmer {
  /**
   * Loads the keys that Redis does not hold, in rounds of 200 keys with one load for each round. If
   * a round fails, the failure is reported and the other rounds continue. A result says `loaded` only
   * after Redis has accepted the entry.
   */
  warm(
    keys: readonly string[],
    policy: Policy,
    load: BatchLoader,
    options: WarmOptions,
    ctx: Context,
  ): AsyncGenerator<WarmProgress, void>;
}

export interface WarmerOptions {
  readonly store: SharedStore;
  readonly coherence: Coherence;
  readonly callOrigin: CallOrigin;
  readonly random: Random;
}

/** Creates a warmer. */
export type CreateWarmer = (options: WarmerOptions) => Warmer;

export const createWarmer: CreateWarmer = ({ store, coherence, callOrigin, random }) => {
  const shared = createEntryReader(store, coherence);

  /** Returns the keys for which Redis holds a fresh and valid entry. */
  async function findPresent(
    keys: readonly string[],
    policy: Policy,
    ctx: Context,
  ): Promise<Set<string>> {
    const [first, ...rest] = keys.map((key) => ({ key, policy, startedAt: ctx.now(), ctx }));
    if (first === undefined) return new Set();
    const found = await shared.read([first, ...rest]);
    if (found === "unreachable") return new Set();
    return new Set(keys.filter((_, i) => found[i]?.served?.freshness === "fresh"));
  }

  async function warmRound(
    keys: readonly string[],
    policy: Policy,
    load: BatchLoader,
    ctx: Context,
  ): Promise<{ results: Map<string, Warmed>; fault?: Fault }> {
    const results = new Map<string, Warmed>();
    for (const key of await findPresent(keys, policy, ctx)) results.set(key, "present");
    const missing = keys.filter((key) => !results.has(key));
    if (missing.length === 0) return { results };
    const fail = (fault: Fault) => {
      for (const key of missing) results.set(key, "failed");
      ctx.emit({ type: "fault.raise", fault });
      return { results, fault };
    };
    await coherence.ensureCurrent(ctx.now(), policy.coherenceMs, ctx);
    // Without an era, other isolates could not use the entries.
    if (coherence.logPosition().era === "")
      return fail({ code: "redis.unavailable", message: "the invalidation log cannot be reached" });
    const waitMs = policy.originTimeoutMs;
    const priority = "warm" as const;
    const call = { policy, ctx, logReachable: true, takesSlot: true, priority, waitMs };
    const called = await callOrigin(call, (signal) => load(missing, signal));
    if (!called.ok) return fail(called.fault);
    const { loaded, stamp } = called.value;
    const entries: Entry[] = [];
    for (const key of missing) {
      const result = loaded.get(key);
      if (result?.storable !== true || (result.kind === "absent" && policy.negativeForMs === 0)) {
        results.set(key, "unstorable");
        continue;
      }
      results.set(key, result.kind === "absent" ? "absent" : "loaded");
      entries.push(createEntry(key, policy, result, stamp, random()));
    }
    const written = await store.write(entries, ctx);
    if (!written.ok) return fail(written.fault);
    const { keys: stored, fault } = written.value;
    for (const { key } of entries)
      if (!stored.has(key)) results.set(key, fault === undefined ? "unstorable" : "failed");
    return { results, ...(fault !== undefined && { fault }) };
  }

  return {
    async *warm(keys, policy, load, { concurrency = DEFAULT_CONCURRENCY }, ctx) {
      if (!(Number.isInteger(concurrency) && concurrency > 0))
        throw new DefinitionError("concurrency", "must be a whole number above 0");
      const unique = [...new Set(keys)];
      for (const key of unique) checkKey(key);
      let done = 0;
      const step = ROUND_KEYS * concurrency;
      for (let from = 0; from < unique.length; from += step) {
        const rounds: Promise<{ results: Map<string, Warmed>; fault?: Fault }>[] = [];
        for (let at = from; at < Math.min(from + step, unique.length); at += ROUND_KEYS)
          rounds.push(warmRound(unique.slice(at, at + ROUND_KEYS), policy, load, ctx));
        for (const { results, fault } of await Promise.all(rounds)) {
          done += results.size;
          yield { done, total: unique.length, results, ...(fault !== undefined && { fault }) };
        }
      }
    },
  };
};
