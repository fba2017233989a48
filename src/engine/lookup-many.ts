/**
 * Reads many keys at once. The keys are looked up in memory, then in the running lookups of other
 * callers, and then in one batch.
 */
import type { Millis } from "../core/time.ts";
import { freshnessOf } from "../core/entry.ts";
import { DefinitionError } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Lookup } from "../core/lookup.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { Coalescer, Resolved, SharedOutcome } from "./coalescer.ts";
import type { BatchLoader, BatchRequest, LookUpBatch } from "./load-many.ts";
import { beginRead, emitLookupEnd, lookupOf } from "./lookup.ts";
import type { FreshnessOf, LookupOutcome, Read, StaleEntry } from "./lookup-request.ts";
import type { RunningLoads } from "./running-loads.ts";
import { serveStaleOnError } from "./stale-if-error.ts";
import { answersWithoutLoad, type Validator } from "./validation.ts";

/** The maximum number of keys in a batch. They are sent in one script call. */
const MAX_BATCH = 500;

export interface Batch {
  /**
   * Looks up all keys. @throws {CacheUnavailable} if no tier has a value for one of the keys and
   * the origin fails.
   */
  lookupMany(
    keys: readonly string[],
    policy: Policy,
    load: BatchLoader,
    ctx: Context,
    freshnessOf?: FreshnessOf,
  ): Promise<ReadonlyMap<string, Lookup>>;
}

export interface BatchOptions {
  readonly memory: MemoryTier;
  readonly validator: Validator;
  readonly coalescer: Coalescer;
  readonly loads: RunningLoads;
  readonly lookUpBatch: LookUpBatch;
  readonly stepsTimeoutMs: Millis;
}

/** The results of looking up a batch in memory. */
interface MemoryAnswers {
  readonly answers: Map<string, Lookup>;
  /** Valid entries that are not fresh. They answer if the origin fails. */
  readonly staleEntries: ReadonlyMap<string, StaleEntry>;
  readonly logReachable: boolean;
}

/** The result of a read that no running lookup could answer. */
const UNANSWERED = { kind: "unanswered" } as const;

export function createBatch(options: BatchOptions): Batch {
  const { memory, validator, coalescer, loads, lookUpBatch, stepsTimeoutMs } = options;

  async function readMemory(
    reads: readonly Read[],
    freshnessFor: FreshnessOf,
  ): Promise<MemoryAnswers> {
    const answers = new Map<string, Lookup>();
    const staleEntries = new Map<string, StaleEntry>();
    const present = reads.flatMap((read) => {
      const entry = read.policy.tiers.has("memory") ? memory.get(read.key) : undefined;
      return entry === undefined ? [] : [{ read, entry }];
    });
    const [first] = present;
    if (first === undefined) return { answers, staleEntries, logReachable: true };
    const { policy, ctx } = first.read;
    const entries = present.map(({ entry }) => entry);
    const logState = await validator.logStateFor(entries, first.read);
    for (const { read, entry } of present) {
      const { key } = read;
      const local = validator.validateLocally(entry, policy, logState, ctx.now());
      // The log is not asked here, because the batch's request to Redis also validates the entry.
      if (local.use === "ask" && policy.tiers.has("redis")) continue;
      const validation = local.use === "ask" ? await validator.validate(entry, read) : local;
      if (validation.use === "drop" && memory.peek(key) === entry) memory.remove(key);
      if (validation.use !== "serve") continue;
      const { entry: valid, unreachable, currentAt } = validation;
      const freshness = freshnessFor(valid, ctx.now());
      const status = freshness === "fresh" ? "hit-memory" : "stale";
      if (answersWithoutLoad(freshness))
        answers.set(key, {
          key,
          status,
          tier: "memory",
          entry: valid,
          unreachable,
          currentAt,
          stored: false,
        });
      if (freshness === "error-only")
        staleEntries.set(key, { entry: valid, unreachable, currentAt });
    }
    return { answers, staleEntries, logReachable: logState === "current" };
  }

  /**
   * Waits for the running lookups, and looks up the other keys together. Then looks up the keys
   * that the running lookups did not answer.
   */
  async function lookUpMissing(
    reads: readonly Read[],
    batch: BatchRequest,
  ): Promise<ReadonlyMap<Read, Resolved>> {
    const outcomes = new Map<Read, Resolved>();
    const onOutcome = (read: Read, outcome: LookupOutcome): void =>
      void outcomes.set(read, { outcome, own: true });
    const isRunning = (read: Read): boolean =>
      batch.policy.flight !== "off" && coalescer.isRunning(read.key, read.ctx.now());
    const [followed, own] = [reads.filter(isRunning), reads.filter((read) => !isRunning(read))];

    const unanswered: Read[] = [];
    const accepts = (outcome: SharedOutcome): boolean =>
      outcome.kind === "failed" ||
      answersWithoutLoad(batch.freshnessOf(outcome.entry, batch.ctx.now()));
    const follow = async (read: Read): Promise<void> => {
      const outcome = await coalescer.follow(read, () => UNANSWERED, accepts);
      if (outcome.kind === "unanswered") unanswered.push(read);
      else outcomes.set(read, { outcome, own: false });
    };
    await Promise.all([lookUpBatch(own, batch, onOutcome), ...followed.map(follow)]);
    await lookUpBatch(unanswered, batch, onOutcome);
    return outcomes;
  }

  function startRefresh(keys: readonly string[], batch: BatchRequest): void {
    const { policy, ctx } = batch;
    const idle = keys.filter((key) => !coalescer.isRunning(key, ctx.now()));
    for (const key of idle) ctx.emit({ type: "refresh.start", key });
    const reads = idle.map((key) => beginRead(key, policy, ctx, stepsTimeoutMs));
    const refresh = { ...batch, readsRedis: false, logReachable: true };
    ctx.defer(loads.outside(() => lookUpBatch(reads, refresh, () => undefined)));
  }

  return {
    async lookupMany(keys, policy, load, ctx, freshnessFor = freshnessOf) {
      const unique = [...new Set(keys)];
      checkKeys(unique);
      const reads = unique.map((key) => beginRead(key, policy, ctx, stepsTimeoutMs));
      const { answers, staleEntries, logReachable } = await readMemory(reads, freshnessFor);
      const readsRedis = policy.tiers.has("redis");
      const batch = { policy, ctx, load, freshnessOf: freshnessFor, logReachable, readsRedis };
      const missing = reads.filter(({ key }) => !answers.has(key));
      try {
        for (const [read, { outcome, own }] of await loads.waitFor(() =>
          lookUpMissing(missing, batch),
        )) {
          const { key } = read;
          const reader = { ...read, freshnessOf: freshnessFor };
          if (outcome.kind !== "failed") answers.set(key, lookupOf(key, outcome, own));
          else {
            const candidates = [staleEntries.get(key), outcome.fallback];
            const { fault } = outcome;
            answers.set(key, await serveStaleOnError(validator, reader, candidates, fault));
          }
        }
      } finally {
        // A key without a value fails the batch, but the lookups that ended are reported in any case.
        for (const answer of answers.values()) emitLookupEnd(answer, ctx);
      }
      const stale = [...answers.values()].filter(({ status }) => status === "stale");
      startRefresh(
        stale.map(({ key }) => key),
        batch,
      );
      return answers;
    },
  };
}

function checkKeys(keys: readonly string[]): void {
  if (keys.length > MAX_BATCH) throw new DefinitionError("keys", `at most ${MAX_BATCH} in a batch`);
  for (const key of keys) {
    const problem = keyProblem(key);
    if (problem !== undefined) throw new DefinitionError("key", problem);
  }
}
