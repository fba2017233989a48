/** One read of one key, on one page: memory, edge, Redis, flight, load, store, in this order. */
import { createEntry, freshnessOf, type Entry } from "../core/entry.ts";
import { DefinitionError } from "../core/faults.ts";
import { keyProblem } from "../core/key.ts";
import type { Policy } from "../core/policy.ts";
import { isDue } from "../core/refresh-ahead.ts";
import type { Context } from "../core/context.ts";
import type { Lookup } from "../core/lookup.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { Millis } from "../core/time.ts";
import type { Coherence, LogState } from "./coherence.ts";
import type { Coalescer, Resolved } from "./coalescer.ts";
import type { HitForMiss } from "./hit-for-miss.ts";
import type { JoinFlight } from "./join-flight.ts";
import type { LoadEntry } from "./load.ts";
import type { LoadBackoff } from "./load-backoff.ts";
import type { Engine } from "./engine.ts";
import { failedOutcome } from "./lookup-request.ts";
import type { LoadTask, LookupOutcome, LookupRequest, Read } from "./lookup-request.ts";
import type { TierStep, TierSteps } from "./tier-steps.ts";
import type { WithSoftTimeout } from "./soft-timeout.ts";
import type { RunningLoads } from "./running-loads.ts";
import { serveStaleOnError } from "./stale-if-error.ts";
import type { EntryStore } from "./store-entry.ts";
import { isServable, type Validator } from "./validation.ts";

export interface LookupOptions {
  readonly memory: MemoryTier;
  readonly coherence: Coherence;
  readonly validator: Validator;
  readonly coalescer: Coalescer;
  readonly tiers: TierSteps;
  readonly hitForMiss: HitForMiss;
  readonly backoff: LoadBackoff;
  readonly joinFlight: JoinFlight;
  readonly loadEntry: LoadEntry;
  readonly entryStore: EntryStore;
  readonly withSoftTimeout: WithSoftTimeout;
  readonly loads: RunningLoads;
  readonly random: Random;
  /** The time limit of the steps beside the loads: edge, Redis, and the grant of a lease. */
  readonly stepsTimeoutMs: Millis;
}

/** What memory has for a lookup: the answer, or the request with what memory knows of it. */
type MemoryResult = FoundOutcome | LookupRequest;

export function createLookup(options: LookupOptions): Engine {
  const { memory, coherence, validator, coalescer, tiers, hitForMiss, backoff } = options;
  const { joinFlight, loadEntry, entryStore, loads, random, stepsTimeoutMs } = options;

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
      "kind" in result ? lookupOf(request.key, result, true) : await lookUpBehindMemory(result);
    return finish(answer, request, task);
  }

  function finish(answer: Lookup, request: LookupRequest, task: LoadTask): Lookup {
    if (wantsRefresh(answer, request)) startRefresh(request, task, answer);
    emitLookupEnd(answer, request.ctx);
    return answer;
  }

  /** Step 1, memory: without I/O while the log view is recent enough for the policy. */
  function readMemory(request: LookupRequest): MemoryResult | Promise<MemoryResult> {
    const { key, policy, ctx, startedAt } = request;
    const entry = policy.tiers.has("memory") ? memory.get(key) : undefined;
    if (entry === undefined) return request;
    if (freshnessOf(entry, startedAt) === "expired") {
      memory.remove(key);
      return request;
    }
    if (coherence.isCurrent(startedAt, policy.coherenceMs, ctx))
      return answerFromMemory(entry, request, "current");
    return validator
      .logStateFor([entry], request)
      .then((logState) => answerFromMemory(entry, request, logState));
  }

  function answerFromMemory(
    entry: Entry,
    request: LookupRequest,
    logState: LogState,
  ): MemoryResult {
    const { key, policy, ctx } = request;
    const validation = validator.validateLocally(entry, policy, logState, ctx.now());
    switch (validation.use) {
      case "ask":
        return { ...request, unverified: entry };
      case "skip":
        return { ...request, logReachable: false };
      case "drop":
        if (memory.peek(key) === entry) memory.remove(key);
        ctx.emit({ type: "entry.reject", key, tier: "memory", reason: validation.reason });
        return { ...request, invalidatedEntry: entry };
      case "serve": {
        const { entry: valid, unreachable, currentAt } = validation;
        // As of now, not of the start: the sync may have brought a soft invalidation.
        const freshness = request.freshnessOf(valid, ctx.now());
        if (!isServable(valid, freshness, request)) {
          const staleEntry = { entry: valid, unreachable, currentAt };
          return { ...request, staleEntry, logReachable: !unreachable };
        }
        const stale = freshness !== "fresh";
        return { kind: "found", entry: valid, tier: "memory", stale, currentAt, unreachable };
      }
    }
  }

  /** Behind memory, the lookups of one key in this isolate share one run of `lookUpTiers`. */
  async function lookUpBehindMemory(request: LookupRequest): Promise<Lookup> {
    const resolved = await loads.waitFor(() => resolve(request));
    // The soft timeout has passed. The load goes on and fills the tiers for the next reader.
    if (!("outcome" in resolved))
      return { key: request.key, status: "stale", ...resolved, stored: false };
    const { outcome, own } = resolved;
    if (outcome.kind !== "failed") return lookupOf(request.key, outcome, own);
    const candidates = [request.staleEntry, outcome.fallback];
    return serveStaleOnError(validator, request, candidates, outcome.fault);
  }

  const resolve = options.withSoftTimeout((request: LookupRequest): Promise<Resolved> =>
    coalescer.resolve(request, lookUpTiers),
  );

  async function lookUpTiers(start: LookupRequest): Promise<LookupOutcome> {
    const { key, ctx } = start;
    let request = start;

    // Steps 2 and 3, edge and Redis. Without the log they could not be trusted.
    for (const readTier of tierSteps(start)) {
      if (!request.logReachable) break;
      const result = await readTier(request);
      if ("kind" in result) return result;
      request = result;
    }
    if (request.staleEntry !== undefined) request.onStaleEntry?.(request.staleEntry);

    // Step 4, flight: another isolate may be loading already. After failed loads there is a pause.
    const recentFault = backoff.recent(key, ctx.now());
    if (recentFault !== undefined) return failedOutcome(request, recentFault);
    const flight = await joinFlight(request);
    if ("kind" in flight) return flight;

    // Step 5, load: this reader asks the origin, and its followers in other isolates get the result.
    const loaded = await loadEntry(request);
    flight.land(loaded);
    if (loaded.kind === "failed") return failedOutcome(request, loaded.fault);
    if (loaded.kind === "uncacheable") return loaded;

    // Step 6, store: in memory at once, in the edge and Redis after the response.
    const { entry, currentAt, momentary } = loaded;
    const { stored } = momentary ? { stored: false } : entryStore.store(entry, request);
    const renewed = request.staleEntry !== undefined;
    const from = { joined: false, momentary, renewed, currentAt, unreachable: false };
    return { kind: "loaded", entry, stored, ...from };
  }

  /** The tiers that can help, nearest first. */
  function tierSteps(request: LookupRequest): TierStep[] {
    const { policy, purpose, unverified, ctx } = request;
    const steps: TierStep[] = [];
    if (unverified !== undefined) steps.push(tiers.verifyMemory);
    // The last result could not be stored, so that the tiers are unlikely to hold one.
    if (hitForMiss.has(request, ctx.now())) return steps;
    // A refresh skips the edge, which holds the very entry that is to be replaced.
    if (policy.tiers.has("edge") && purpose === "serve") steps.push(tiers.readEdge);
    steps.push(tiers.readRedis);
    return steps;
  }

  function wantsRefresh({ status, entry }: Lookup, { policy, startedAt }: LookupRequest): boolean {
    if (status === "stale") return true;
    if (status !== "hit-memory" || entry === undefined || policy.refreshAhead === undefined)
      return false;
    return isDue(entry, policy.refreshAhead, startedAt, random());
  }

  function startRefresh(request: LookupRequest, task: LoadTask, answer: Lookup): void {
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
    const started = coalescer.startDetached(refresh, lookUpTiers);
    if (started) ctx.emit({ type: "refresh.start", key });
  }

  return {
    lookup,

    async refresh(key, policy, task, ctx) {
      const request = createRequest(key, policy, task, ctx, stepsTimeoutMs);
      const answer = await lookUpBehindMemory({ ...request, purpose: "refresh" });
      emitLookupEnd(answer, ctx);
      return answer;
    },

    logPosition: () => coherence.logPosition(),

    put(key, policy, result, stamp, ctx) {
      const entry = createEntry(key, policy, result, stamp, 0);
      return { entry, ...entryStore.store(entry, { policy, ctx, logReachable: true }) };
    },

    beginRead: (key, policy, ctx) => beginRead(key, policy, ctx, stepsTimeoutMs),

    mayAnswer: async (entry, currentAt, read) =>
      (await validator.validateShared(entry, currentAt, read)).use === "serve",

    discard(entry, ctx) {
      ctx.emit({ type: "entry.reject", key: entry.key, tier: "memory", reason: "unfit" });
      entryStore.discard(entry, ctx);
    },
  };
}

/** Begins a read. It has time for two loads: one that it waits for in vain, and its own. */
export function beginRead(key: string, policy: Policy, ctx: Context, stepsTimeoutMs: Millis): Read {
  const startedAt = ctx.now();
  const deadlineAt = startedAt + 2 * policy.originTimeoutMs + stepsTimeoutMs;
  return { key, policy, ctx, startedAt, deadlineAt };
}

function createRequest(
  key: string,
  policy: Policy,
  task: LoadTask,
  ctx: Context,
  stepsTimeoutMs: Millis,
): LookupRequest {
  const problem = keyProblem(key);
  if (problem !== undefined) throw new DefinitionError("key", problem);
  return {
    ...beginRead(key, policy, ctx, stepsTimeoutMs),
    purpose: "serve",
    unverified: undefined,
    staleEntry: undefined,
    invalidatedEntry: undefined,
    logReachable: true,
    requestKindOf: task.requestKindOf,
    takesSlot: task.takesSlot ?? true,
    load: (signal, staleEntry) => task.load(signal, staleEntry),
    freshnessOf: task.freshnessOf ?? freshnessOf,
    flightScopeOf: task.flightScopeOf ?? (() => policy.flight),
    client: task.client,
  };
}

type FoundOutcome = Extract<LookupOutcome, { readonly kind: "found" }>;

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
      const { unreachable, currentAt } = outcome;
      return { key, status: "bypass", unreachable, currentAt, stored: false };
    }
  }
}

/** Emits the event that ends every lookup. */
export function emitLookupEnd({ key, status, entry, unreachable }: Lookup, ctx: Context): void {
  ctx.emit({ type: "lookup.end", key, status, negative: entry?.kind === "absent", unreachable });
}
