/** The steps of a read that search the tiers behind memory. They load nothing. */
import type { HitForMiss } from "./hit-for-miss.ts";
import type { LookupOutcome, LookupRequest } from "./lookup-request.ts";
import type { SharedTurns } from "./shared-turns.ts";
import { createEntryStore, type EntryStoreOptions } from "./store-entry.ts";
import { createTierSteps, type TierStep, type TierStepOptions } from "./tier-steps.ts";

/** Returns the outcome of the tier that answers, or the request with what the tiers hold. */
export type SearchTiers = (start: LookupRequest) => Promise<LookupOutcome | LookupRequest>;

export interface SearchTiersOptions extends EntryStoreOptions, Omit<TierStepOptions, "entryStore"> {
  readonly hitForMiss: HitForMiss;
  /** Adds a read to the reads that ask the shared store together. Undefined if the store holds no entries. */
  readonly joinTurn: SharedTurns["join"] | undefined;
  /**
   * Whether Redis is read before the log is asked about an entry of memory. The one request to
   * Redis of a batch validates the entries of all its keys.
   */
  readonly asksRedisFirst: boolean;
}

export function createSearchTiers(options: SearchTiersOptions): SearchTiers {
  const { hitForMiss, joinTurn, asksRedisFirst } = options;
  const tiers = createTierSteps({ ...options, entryStore: createEntryStore(options) });

  /** The tiers that can help, nearest first. */
  function tierSteps(request: LookupRequest): TierStep[] {
    const { policy, purpose, ctx } = request;
    const verify = request.unverified === undefined ? [] : [tiers.verifyMemory];
    // The last result could not be stored, so that the tiers are unlikely to hold one.
    if (hitForMiss.has(request, ctx.now())) return verify;
    if (asksRedisFirst) return [tiers.readRedis, ...verify];
    // A refresh skips the edge, which holds the very entry that is to be replaced.
    const readsEdge = policy.tiers.has("edge") && purpose === "serve";
    return [...verify, ...(readsEdge ? [tiers.readEdge] : []), tiers.readRedis];
  }

  return async (start) => {
    const turn = joinTurn?.(start.ctx);
    if (!start.policy.tiers.has("redis")) turn?.leave();
    try {
      let request = start;
      for (const readTier of tierSteps(start)) {
        // Without the log, the tiers could not be trusted.
        if (!request.logReachable) break;
        const result = await readTier(request, turn?.read);
        if ("kind" in result) return result;
        request = result;
      }
      return request;
    } finally {
      turn?.leave();
    }
  };
}
