/** Fills Redis ahead of the readers; the nearer tiers fill as they are used. */
import type { WithTimeout } from "../core/deadline.ts";
import { freshnessOf, createEntry, type Entry } from "../core/entry.ts";
import { DefinitionError, originFaultOf, type Fault } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import { verdictByNumbers } from "../core/log.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Warmed, WarmProgress } from "../core/data-reader.ts";
import type { LoadBatch } from "./load-many.ts";
import type { Coherence } from "./coherence.ts";

/** Keys of one round: one read, one load and one write. */
const ROUND_KEYS = 200;
const DEFAULT_CONCURRENCY = 2;

export interface WarmOptions {
  /** Rounds that run at once. Default 2. */
  readonly concurrency?: number;
}

export interface Warmer {
  /**
   * Loads what Redis does not hold, in rounds of 200 keys: one load call a round. A
   * failed round is reported and the others go on.
   */
  warm(
    keys: readonly string[],
    policy: Policy,
    load: LoadBatch,
    options: WarmOptions,
    ctx: Context,
  ): AsyncGenerator<WarmProgress, void>;
}

export interface WarmerOptions {
  readonly store: SharedStore;
  readonly coherence: Coherence;
  readonly withTimeout: WithTimeout;
  readonly random: Random;
}

export function createWarmer({ store, coherence, withTimeout, random }: WarmerOptions): Warmer {
  /** Keys of which Redis holds a fresh and valid entry. */
  async function present(keys: readonly string[], ctx: Context): Promise<Set<string>> {
    const answer = await store.read(keys, coherence.since(), ctx);
    if (!answer.ok || !(await coherence.applyLog(answer.value.log, ctx))) return new Set();
    const { found, log } = answer.value;
    return new Set(
      keys.filter((_, i) => {
        const one = found[i];
        if (one === undefined || verdictByNumbers(one.entry, one, log) !== "valid") return false;
        return freshnessOf(one.entry, ctx.now()) === "fresh";
      }),
    );
  }

  async function round(
    keys: readonly string[],
    policy: Policy,
    load: LoadBatch,
    ctx: Context,
  ): Promise<{ results: Map<string, Warmed>; fault?: Fault }> {
    const results = new Map<string, Warmed>();
    for (const key of await present(keys, ctx)) results.set(key, "present");
    const missing = keys.filter((key) => !results.has(key));
    if (missing.length === 0) return { results };
    const fail = (fault: Fault) => {
      for (const key of missing) results.set(key, "failed");
      ctx.emit({ type: "fault.raise", fault });
      return { results, fault };
    };
    await coherence.ensureCurrent(ctx.now(), policy.coherenceMs, ctx);
    const moment = { ...coherence.logPosition(), startedAt: ctx.now() };
    // What no log vouches for must not be shared.
    if (moment.era === "") return fail({ code: "redis.unavailable", message: "no log" });
    const abort = new AbortController();
    const entries: Entry[] = [];
    try {
      const loaded = await withTimeout(load(missing, abort.signal), policy.originTimeoutMs);
      const storedAt = ctx.now();
      for (const key of missing) {
        const one = loaded.get(key);
        const keeps = one?.storable === true && (one.kind === "value" || policy.negativeForMs > 0);
        results.set(key, keeps ? (one.kind === "absent" ? "absent" : "loaded") : "unstorable");
        if (keeps) entries.push(createEntry(key, policy, one, { ...moment, storedAt }, random()));
      }
    } catch (error) {
      abort.abort(error);
      return fail(originFaultOf(error));
    }
    const written = await store.write(entries, ctx);
    return written.ok ? { results } : fail(written.fault);
  }

  return {
    async *warm(keys, policy, load, { concurrency = DEFAULT_CONCURRENCY }, ctx) {
      if (!(Number.isInteger(concurrency) && concurrency > 0))
        throw new DefinitionError("concurrency", "must be a whole number above 0");
      const unique = [...new Set(keys)];
      for (const key of unique) {
        const problem = keyProblem(key);
        if (problem !== undefined) throw new DefinitionError("key", problem);
      }
      let done = 0;
      const step = ROUND_KEYS * concurrency;
      for (let from = 0; from < unique.length; from += step) {
        const rounds: Promise<{ results: Map<string, Warmed>; fault?: Fault }>[] = [];
        for (let at = from; at < Math.min(from + step, unique.length); at += ROUND_KEYS)
          rounds.push(round(unique.slice(at, at + ROUND_KEYS), policy, load, ctx));
        for (const { results, fault } of await Promise.all(rounds)) {
          done += results.size;
          yield { done, total: unique.length, results, ...(fault !== undefined && { fault }) };
        }
      }
    },
  };
}
