/** The steps of a lookup that read a tier outside the isolate, or that ask the log about an entry of memory. */
import { timeStep } from "../core/timed-step.ts";
import { freshnessOf, type Entry } from "../core/entry.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { TierName } from "../core/policy.ts";
import { rejectionOf } from "../core/rejection.ts";
import type { Coherence } from "./coherence.ts";
import type { LookupOutcome, LookupRequest, StaleEntry } from "./lookup-request.ts";
import type { ReadShared } from "./shared-reader.ts";
import type { EntryStore } from "./store-entry.ts";
import { foundIn, isServable, type Served } from "./validation.ts";
import type { Validator } from "./validator.ts";

/**
 * Reads one tier. Returns the outcome of the lookup, or the request for the next step. `readShared` is
 * undefined if the shared store holds no entries.
 */
export type TierStep = (
  request: LookupRequest,
  readShared: ReadShared | undefined,
) => Promise<LookupOutcome | LookupRequest>;

export interface TierSteps {
  /** Asks the log about the entry of memory that the log view could not validate. */
  readonly verifyMemory: TierStep;
  readonly readEdge: TierStep;
  readonly readRedis: TierStep;
}

export interface TierStepOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly coherence: Coherence;
  readonly validator: Validator;
  readonly entryStore: EntryStore;
}

export function createTierSteps(options: TierStepOptions): TierSteps {
  const { memory, edge, coherence, validator, entryStore } = options;

  /** Validates an entry from memory or from the edge. */
  async function validateEntry(
    tier: "memory" | "edge",
    entry: Entry,
    request: LookupRequest,
  ): Promise<LookupOutcome | LookupRequest> {
    const { key, policy, ctx } = request;
    const validation = await validator.decide(entry, request);
    if (validation.use === "skip") return { ...request, logReachable: false };
    if (validation.use === "drop") {
      if (tier === "memory" && memory.peek(key) === entry) memory.remove(key);
      ctx.emit(rejectionOf(entry, tier, validation.reason));
      return { ...request, invalidatedEntry: entry };
    }
    const { entry: valid, unreachable, onlyIfLoadFails } = validation;
    // Stores the copy in memory if it comes from the edge, or if the log has just verified it.
    const isBetter = tier === "edge" || valid.asOf > entry.asOf;
    if (isBetter && policy.tiers.has("memory") && !unreachable && !onlyIfLoadFails)
      memory.put(valid, ctx.now(), policy.memoryForMs);
    return answerWith(validation, tier, request);
  }

  return {
    async verifyMemory(request) {
      const { unverified } = request;
      return unverified === undefined ? request : validateEntry("memory", unverified, request);
    },

    async readEdge(request) {
      const { key, ctx } = request;
      const found = await timeStep(
        ctx,
        "edge",
        () => edge.get(key, ctx),
        ({ ok }) => (ok ? "ok" : "edge.unavailable"),
      );
      if (!found.ok) ctx.emit({ type: "fault.raise", fault: found.fault });
      if (!found.ok || found.value === undefined) return request;
      return validateEntry("edge", found.value, request);
    },

    async readRedis(request, readShared) {
      const { policy, ctx, startedAt } = request;
      // A read that finds no entry also needs the log, because the log position dates the entry of a load.
      if (readShared === undefined || !policy.tiers.has("redis")) {
        // A load after the last invalidation makes an entry that the next sync does not reject.
        const windowMs = readShared === undefined ? 0 : policy.coherenceMs;
        const logState = await coherence.ensureCurrent(startedAt, windowMs, ctx);
        return { ...request, logReachable: logState === "current" };
      }
      const found = await readShared(request);
      if (found === "unreachable") return { ...request, logReachable: false };
      const { served, invalidatedEntry = request.invalidatedEntry } = found;
      if (served === undefined) return { ...request, invalidatedEntry };
      const answer = answerWith(served, "redis", request);
      if ("kind" in answer) entryStore.storeLocally(served.entry, policy, ctx);
      return answer;
    },
  };
}

/**
 * Answers with a valid entry if its freshness allows it. Otherwise keeps the entry, in case the
 * origin fails.
 */
function answerWith(
  served: Served,
  tier: TierName,
  request: LookupRequest,
): LookupOutcome | LookupRequest {
  const { entry, unreachable, onlyIfLoadFails, currentAt } = served;
  const now = request.ctx.now();
  const freshness = request.freshnessOf(entry, now);
  if (!onlyIfLoadFails && isServable(entry, freshness, request))
    return foundIn(tier, served, freshness);
  const staleEntry =
    freshnessOf(entry, now) === "expired"
      ? request.staleEntry
      : newest(request.staleEntry, { entry, unreachable, currentAt });
  return { ...request, staleEntry, logReachable: request.logReachable && !unreachable };
}

function newest(former: StaleEntry | undefined, next: StaleEntry): StaleEntry {
  return former === undefined || former.entry.storedAt < next.entry.storedAt ? next : former;
}
