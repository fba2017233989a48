/** The steps of a read behind memory, on one page: edge, Redis, flight, load, store, in this order. */
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { RunLookup } from "./coalescer.ts";
import type { Coherence } from "./coherence.ts";
import type { Gather } from "./gather.ts";
import type { HitForMiss } from "./hit-for-miss.ts";
import type { FlightStep } from "./flight-step.ts";
import { createLoadStep, type CallLoader } from "./load.ts";
import type { LoadBackoff } from "./load-backoff.ts";
import { afterWait, failedOutcome, reportedFailure } from "./lookup-request.ts";
import type { LookupOutcome, LookupRequest } from "./lookup-request.ts";
import type { RunningLoads } from "./running-loads.ts";
import { createSearchTiers } from "./search-tiers.ts";
import type { SharedTurns } from "./shared-turns.ts";
import { createEntryStore } from "./store-entry.ts";
import type { Validator } from "./validator.ts";

export interface TierPorts {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  /** Adds a read to the reads that ask the shared store together. Undefined if the store holds no entries. */
  readonly joinTurn: SharedTurns["join"] | undefined;
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
  readonly gather?: Gather | undefined;
}

export function createLookUpTiers(ports: TierPorts): RunLookup {
  const { backoff } = ports;
  const entryStore = createEntryStore(ports);
  const searchTiers = createSearchTiers(ports);
  const joinFlight = ports.createFlightStep({ ...ports, entryStore });
  const loadEntry = createLoadStep({ ...ports, entryStore });

  async function lookUpTiers(start: LookupRequest): Promise<LookupOutcome> {
    const { key, ctx } = start;

    // Steps 2 and 3, edge and Redis.
    const result = await searchTiers(start);
    if ("kind" in result) return result;
    let request = result;
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

  return lookUpTiers;
}
