/** One read of one key: memory answers here, and the steps behind memory follow (lookup-tiers.ts). */
import { freshnessOf, type Entry } from "../core/entry.ts";
import { checkKey } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import { isDue } from "../core/refresh-ahead.ts";
import type { Context } from "../core/context.ts";
import type { Lookup } from "../core/lookup.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import { rejectionOf } from "../core/rejection.ts";
import type { Millis } from "../core/time.ts";
import type { Coherence, LogState } from "./coherence.ts";
import type { Coalescer, RunLookup } from "./coalescer.ts";
import type { Engine } from "./engine.ts";
import type { LoadTask, LookupOutcome, LookupRequest, Read } from "./lookup-request.ts";
import type { ResolveSoon } from "./soft-timeout.ts";
import type { RunningLoads } from "./running-loads.ts";
import { serveStaleOnError } from "./stale-if-error.ts";
import { foundIn, isServable, validate, type FoundOutcome } from "./validation.ts";
import type { Validator } from "./validator.ts";

export interface LookupOptions {
  readonly memory: MemoryTier;
  readonly coherence: Coherence;
  readonly validator: Validator;
  readonly startDetached: Coalescer["startDetached"];
  /** Behind memory, the lookups of one key in this isolate share one run of the steps. */
  readonly resolve: ResolveSoon;
  readonly lookUpTiers: RunLookup;
  readonly loads: RunningLoads;
  readonly random: Random;
  /** The time limit of the steps beside the loads: edge, Redis, and the grant of a lease. */
  readonly stepsTimeoutMs: Millis;
}

/** The result of memory for a lookup: the answer, or the request with what memory knows of it. */
export type MemoryResult = FoundOutcome | LookupRequest;

/** The lookups of single keys, and their parts, of which a batch makes many lookups. */
export interface Lookups extends Pick<Engine, "lookup" | "refresh"> {
  /** @throws {DefinitionError} if the key is malformed. */
  createRequest(key: string, policy: Policy, task: LoadTask, ctx: Context): LookupRequest;
  readMemory(request: LookupRequest): MemoryResult | Promise<MemoryResult>;
  /** Looks up what memory could not answer. `run` makes the steps. */
  lookUpBehindMemory(request: LookupRequest, run: RunLookup): Promise<Lookup>;
  wantsRefresh(answer: Lookup, request: LookupRequest): boolean;
  startRefresh(request: LookupRequest, task: LoadTask, answer: Lookup, run: RunLookup): void;
}

export function createLookup(options: LookupOptions): Lookups {
  const { memory, coherence, validator, startDetached, resolve, lookUpTiers } = options;
  const { loads, random, stepsTimeoutMs } = options;

  /** The whole read. Memory answers by itself, without a promise; a refresh may follow the answer. */
  const lookup: Engine["lookup"] = (key, policy, task, ctx) => {
    const request = createRequest(key, policy, task, ctx, stepsTimeoutMs);
    const result = readMemory(request);
    return "kind" in result
      ? finish(lookupOf(key, result, true), request, task)
      : lookUpFurther(result, request, task);
  };

  async function lookUpFurther(
    memory: LookupRequest | Promise<MemoryResult>,
    request: LookupRequest,
    task: LoadTask,
  ): Promise<Lookup> {
    const result = await memory;
    const answer =
      "kind" in result
        ? lookupOf(request.key, result, true)
        : await lookUpBehindMemory(result, lookUpTiers);
    return finish(answer, request, task);
  }

  function finish(answer: Lookup, request: LookupRequest, task: LoadTask): Lookup {
    if (wantsRefresh(answer, request)) startRefresh(request, task, answer, lookUpTiers);
    emitLookupEnd(answer, request.ctx);
    return answer;
  }

  /** Step 1, memory: without I/O while the log view is recent enough for the policy. */
  function readMemory(request: LookupRequest): MemoryResult | Promise<MemoryResult> {
    const { key, policy, ctx, startedAt } = request;
    const entry = policy.tiers.has("memory") ? memory.get(key, startedAt) : undefined;
    if (entry === undefined) return request;
    if (freshnessOf(entry, startedAt) === "expired") {
      memory.remove(key);
      return request;
    }
    if (coherence.isCurrent(startedAt, policy.coherenceMs, ctx))
      return answerFromMemory(entry, request, "current");
    return validator
      .logStateFor(entry, request)
      .then((logState) => answerFromMemory(entry, request, logState));
  }

  function answerFromMemory(
    entry: Entry,
    request: LookupRequest,
    logState: LogState,
  ): MemoryResult {
    const { key, ctx } = request;
    const verdict = coherence.verdictOf(entry);
    const confirmedAt = coherence.currentAt();
    // As of now, not of the start: the sync may have brought a soft invalidation.
    const now = ctx.now();
    const validation = validate(entry, verdict, logState, confirmedAt, request, now);
    switch (validation.use) {
      case "verify":
        return { ...request, unverified: entry };
      case "skip":
        return { ...request, logReachable: false };
      case "drop":
        if (memory.peek(key) === entry) memory.remove(key);
        ctx.emit(rejectionOf(entry, "memory", validation.reason));
        return { ...request, invalidatedEntry: entry };
      case "serve": {
        const { entry: valid, unreachable, currentAt } = validation;
        const freshness = request.freshnessOf(valid, now);
        if (validation.onlyIfLoadFails || !isServable(valid, freshness, request)) {
          const staleEntry = { entry: valid, unreachable, currentAt };
          return { ...request, staleEntry, logReachable: !unreachable };
        }
        return foundIn("memory", validation, freshness);
      }
    }
  }

  async function lookUpBehindMemory(request: LookupRequest, run: RunLookup): Promise<Lookup> {
    const resolved = await loads.waitFor(() => resolve(request, run));
    // The soft timeout has passed. The load goes on and fills the tiers for the next reader.
    if (!("outcome" in resolved))
      return { key: request.key, status: "stale", ...resolved, stored: false };
    const { outcome, own } = resolved;
    if (outcome.kind !== "failed") return lookupOf(request.key, outcome, own);
    const candidates = [request.staleEntry, outcome.fallback];
    return serveStaleOnError(validator, request, candidates, outcome.fault);
  }

  function wantsRefresh({ status, entry }: Lookup, { policy, startedAt }: LookupRequest): boolean {
    if (status === "stale") return true;
    if (status !== "hit-memory" || entry === undefined || policy.refreshAhead === undefined)
      return false;
    return isDue(entry, policy.refreshAhead, startedAt, random());
  }

  function startRefresh(
    request: LookupRequest,
    task: LoadTask,
    answer: Lookup,
    run: RunLookup,
  ): void {
    const { key, policy, ctx } = request;
    const { entry, unreachable, currentAt } = answer;
    const refresh: LookupRequest = {
      ...request,
      // The refresh has its own deadline: no reader waits for it.
      ...beginRead(key, policy, ctx, stepsTimeoutMs),
      purpose: "refresh",
      staleEntry: entry && { entry, unreachable, currentAt },
      load: (signal, staleEntry) => (task.refresh ?? task.load)(signal, staleEntry),
    };
    const started = startDetached(refresh, run);
    if (started) ctx.emit({ type: "refresh.start", key });
  }

  return {
    lookup,

    async refresh(key, policy, task, ctx) {
      const request = createRequest(key, policy, task, ctx, stepsTimeoutMs);
      const answer = await lookUpBehindMemory({ ...request, purpose: "refresh" }, lookUpTiers);
      emitLookupEnd(answer, ctx);
      return answer;
    },

    createRequest: (key, policy, task, ctx) =>
      createRequest(key, policy, task, ctx, stepsTimeoutMs),
    readMemory,
    lookUpBehindMemory,
    wantsRefresh,
    startRefresh,
  };
}

/** Begins a read. It has one `originTimeout` for all loads that it waits for, and time for its other steps. */
export function beginRead(key: string, policy: Policy, ctx: Context, stepsTimeoutMs: Millis): Read {
  const startedAt = ctx.now();
  const loadMs = policy.originTimeoutMs;
  return { key, policy, ctx, startedAt, deadlineAt: startedAt + loadMs + stepsTimeoutMs, loadMs };
}

/** The coalescer replaces it, once it knows the readers. */
const hasReaders = (): boolean => false;

function createRequest(
  key: string,
  policy: Policy,
  task: LoadTask,
  ctx: Context,
  stepsTimeoutMs: Millis,
): LookupRequest {
  return {
    ...beginRead(checkKey(key), policy, ctx, stepsTimeoutMs),
    purpose: "serve",
    unverified: undefined,
    staleEntry: undefined,
    invalidatedEntry: undefined,
    logReachable: true,
    requestKindOf: task.requestKindOf,
    takesSlot: task.takesSlot ?? true,
    load: (signal, staleEntry) => task.load(signal, staleEntry),
    freshnessOf: task.freshnessOf ?? freshnessOf,
    flightScopeOf: task.flightScopeOf,
    client: task.client,
    isAbandoned: hasReaders,
  };
}

/** Reports an outcome to a reader. `own`: this reader's own lookup came to it. */
export function lookupOf(
  key: string,
  outcome: Exclude<LookupOutcome, { readonly kind: "failed" }>,
  own: boolean,
): Lookup {
  switch (outcome.kind) {
    case "found": {
      const { entry, tier, unreachable, currentAt, stale } = outcome;
      const status = stale ? "stale" : (`hit-${tier}` as const);
      return { key, status, tier, entry, unreachable, currentAt, stored: false };
    }
    case "loaded": {
      const { entry, joined, stored, renewed, unreachable, currentAt } = outcome;
      const status = own && !joined ? "miss" : "joined";
      return { key, status, entry, unreachable, currentAt, stored, renewed };
    }
    case "uncacheable": {
      const { unreachable, unconfirmed, currentAt } = outcome;
      return { key, status: "bypass", unreachable, unconfirmed, currentAt, stored: false };
    }
  }
}

/** Emits the event that ends every lookup. */
export function emitLookupEnd({ key, status, entry, unreachable }: Lookup, ctx: Context): void {
  ctx.emit({ type: "lookup.end", key, status, negative: entry?.kind === "absent", unreachable });
}
