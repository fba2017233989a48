/** The engine, put together over its ports. */
import type { WithTimeout } from "../core/deadline.ts";
import type { FlightPort } from "../core/flight-port.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Millis } from "../core/time.ts";
import { createBatch, type Batch } from "./lookup-many.ts";
import { createLookup, type Engine } from "./lookup.ts";
import { createCoherence, type Coherence } from "./coherence.ts";
import { createResolveMany } from "./load-many.ts";
import { createLoadBackoff } from "./load-backoff.ts";
import { createCoalescer } from "./coalescer.ts";
import { createEntryStore } from "./store-entry.ts";
import { createLoader } from "./load.ts";
import { createOriginCall, type OriginSlots } from "./origin-call.ts";
import { createSharedReader } from "./shared-store-reader.ts";
import { createHitForMiss } from "./hit-for-miss.ts";
import { createTierLookup } from "./lookup-tiers.ts";

export interface EnginePorts {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly flights: FlightPort;
  readonly slots: OriginSlots;
  /** Runs a wait under a deadline; injected, for timers are the platform's. */
  readonly withTimeout: WithTimeout;
  readonly random: Random;
  /** How long the store may take for one request. */
  readonly storeTimeoutMs: Millis;
  /** Entries over this are not handed over between isolates; followers load themselves. */
  readonly maxLandingChars: number;
}

export interface EngineParts {
  readonly coherence: Coherence;
  readonly engine: Engine;
  readonly batch: Batch;
}

/** Reads of one key and of many, over one knowledge of the log. */
export function createEngineParts(ports: EnginePorts): EngineParts {
  const {
    memory,
    edge,
    store,
    flights,
    slots: places,
    withTimeout,
    random,
    maxLandingChars,
  } = ports;
  const coherence = createCoherence({ store, timeoutMs: ports.storeTimeoutMs, withTimeout });
  const unshared = createHitForMiss();
  const callOrigin = createOriginCall({ coherence, slots: places, withTimeout });
  const keeper = createEntryStore({ memory, edge, store, coherence, random });
  const shared = createSharedReader(store, coherence);
  const loader = createLoader({
    coherence,
    flights,
    callOrigin,
    keeper,
    unshared,
    failures: createLoadBackoff(random),
    maxLandingChars,
  });
  const walk = createTierLookup({ memory, edge, shared, coherence, keeper, loader, unshared });
  const coalescer = createCoalescer({ walk, coherence, unshared, withTimeout });
  const engine = createLookup({ memory, coherence, coalescer, keeper, withTimeout, random });
  const takeOut = createResolveMany({ memory, shared, coalescer, callOrigin, keeper, unshared });
  const batch = createBatch({ memory, coherence, coalescer, takeOut });
  return { coherence, engine, batch };
}
