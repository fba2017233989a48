/** Builds the engine from the ports that it needs. */
import type { WithTimeout } from "../core/deadline.ts";
import type { FlightPort } from "../core/flight-port.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Millis } from "../core/time.ts";
import { createCoalescer } from "./coalescer.ts";
import { createCoherence, type Coherence } from "./coherence.ts";
import { createHitForMiss } from "./hit-for-miss.ts";
import { createFlightStep } from "./join-flight.ts";
import { createLoadStep } from "./load.ts";
import { createLoadBackoff } from "./load-backoff.ts";
import { createLookUpBatch } from "./load-many.ts";
import type { Engine } from "./engine.ts";
import { createLookup } from "./lookup.ts";
import { createBatch, type Batch } from "./lookup-many.ts";
import { createOriginCall, type CallOrigin, type OriginSlots } from "./origin-call.ts";
import { createRunningLoads, type RunningLoads } from "./running-loads.ts";
import { createSharedReader } from "./shared-store-reader.ts";
import { createSoftTimeout } from "./soft-timeout.ts";
import { createEntryStore } from "./store-entry.ts";
import { createTierSteps } from "./tier-steps.ts";
import { createValidator } from "./validation.ts";

export interface EnginePorts {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly flights: FlightPort;
  readonly slots: OriginSlots;
  /** Waits for a promise under a deadline. It is injected, because timers belong to the platform. */
  readonly withTimeout: WithTimeout;
  readonly random: Random;
  /** The time limit of one request to the store. */
  readonly storeTimeoutMs: Millis;
  /**
   * The maximum number of characters of an entry that a leader hands over to other isolates. The
   * followers of a larger entry load it themselves.
   */
  readonly maxLandingChars: number;
  /** The time limit of the steps of a read beside its loads: edge, Redis, and the grant of a lease. */
  readonly stepsTimeoutMs: Millis;
  /** How much longer than its wait a join may take before the flight object counts as unavailable. */
  readonly flightSlackMs: Millis;
}

export interface EngineParts {
  readonly coherence: Coherence;
  readonly engine: Engine;
  readonly batch: Batch;
  readonly loads: RunningLoads;
  readonly callOrigin: CallOrigin;
}

/** Creates the lookups of one key and of many keys. They share one log view. */
export function createEngineParts(ports: EnginePorts): EngineParts {
  const { memory, edge, store, flights, slots, withTimeout, random, maxLandingChars } = ports;
  const { stepsTimeoutMs, storeTimeoutMs, flightSlackMs } = ports;
  const coherence = createCoherence({ store, timeoutMs: storeTimeoutMs, withTimeout });
  const validator = createValidator(coherence);
  const hitForMiss = createHitForMiss();
  const backoff = createLoadBackoff(random);
  const loads = createRunningLoads();
  const callOrigin = createOriginCall({ coherence, slots, loads, withTimeout });
  const entryStore = createEntryStore({ memory, edge, store, coherence, random });
  const shared = createSharedReader(store, coherence);
  const coalescer = createCoalescer({
    validator,
    hitForMiss,
    loads,
    withTimeout,
    stepsTimeoutMs: storeTimeoutMs,
  });
  const perKey = { entryStore, hitForMiss, backoff };
  const engine = createLookup({
    ...perKey,
    memory,
    coherence,
    validator,
    coalescer,
    tiers: createTierSteps({ memory, edge, shared, coherence, validator, entryStore }),
    joinFlight: createFlightStep({
      ...perKey,
      flights,
      validator,
      loads,
      maxLandingChars,
      slackMs: flightSlackMs,
    }),
    loadEntry: createLoadStep({ ...perKey, coherence, callOrigin }),
    withSoftTimeout: createSoftTimeout(validator, withTimeout),
    loads,
    random,
    stepsTimeoutMs,
  });
  const lookUpBatch = createLookUpBatch({
    memory,
    shared,
    coalescer,
    callOrigin,
    entryStore,
    hitForMiss,
  });
  const batch = createBatch({ memory, validator, coalescer, loads, lookUpBatch, stepsTimeoutMs });
  return { coherence, engine, batch, loads, callOrigin };
}
