/** The steps of a read behind memory, on one page: edge, Redis, flight, load, store, in this order. */
import type { FlightPort } from "../core/flight-port.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { RunLookup } from "./coalescer.ts";
import type { Coherence } from "./coherence.ts";
import type { HitForMiss } from "./hit-for-miss.ts";
import type { FlightStep } from "./flight-step.ts";
import { createLoadStep, type CallLoader } from "./load.ts";
import type { LoadBackoff } from "./load-backoff.ts";
import { afterWait, failedOutcome, reportedFailure } from "./lookup-request.ts";
import type { LookupOutcome, LookupRequest } from "./lookup-request.ts";
import type { RunningLoads } from "./running-loads.ts";
import type { ReadShared } from "./shared-store-reader.ts";
import { createEntryStore } from "./store-entry.ts";
import { createTierSteps, type TierStep } from "./tier-steps.ts";
import type { Validator } from "./validator.ts";

export interface TierPorts {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly readShared: ReadShared;
  readonly flights: FlightPort;
  readonly createFlightStep: FlightStep;
  readonly callLoader: CallLoader;
  readonly coherence: Coherence;
  readonly validator: Validator;
  readonly hitForMiss: HitForMiss;
  readonly backoff: LoadBackoff;
  readonly loads: RunningLoads;
  readonly random: Random;
  readonly maxLandingChars: number;
  /**
   * Whether Redis is read before the log is asked about an entry of memory. The one request to
   * Redis of a batch validates the entries of all its keys.
   */
  readonly asksRedisFirst: boolean;
}

export function createLookUpTiers(ports: TierPorts): RunLookup {
  const { hitForMiss, backoff, asksRedisFirst } = ports;
  const entryStore = createEntryStore(ports);
  const tiers = createTierSteps({ ...ports, entryStore });
  const joinFlight = ports.createFlightStep({ ...ports, entryStore });
  const loadEntry = createLoadStep({ ...ports, entryStore });

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
    if (recentFault !== undefined) return reportedFailure(request, recentFault);
    const joinedAt = ctx.now();
    const flight = await joinFlight(request);
    if ("kind" in flight) return flight;
    request = afterWait(request, joinedAt);

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
    const { policy, purpose, ctx } = request;
    const verify = request.unverified === undefined ? [] : [tiers.verifyMemory];
    // The last result could not be stored, so that the tiers are unlikely to hold one.
    if (hitForMiss.has(request, ctx.now())) return verify;
    if (asksRedisFirst) return [tiers.readRedis, ...verify];
    // A refresh skips the edge, which holds the very entry that is to be replaced.
    const readsEdge = policy.tiers.has("edge") && purpose === "serve";
    return [...verify, ...(readsEdge ? [tiers.readEdge] : []), tiers.readRedis];
  }

  return lookUpTiers;
}
