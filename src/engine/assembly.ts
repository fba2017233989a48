/** The engine, put together over its ports. */
import type { FlightPort, MemoryTier, Random, SharedStore, Tier } from "../core/ports.ts";
import type { Millis } from "../core/time.ts";
import { createBatch, type Batch } from "./batch.ts";
import { createEngine, type Engine } from "./cache.ts";
import { createCoherence, type Coherence } from "./coherence.ts";
import { createTakeOut } from "./company.ts";
import { createFailures } from "./failures.ts";
import { createCoalescer } from "./flight.ts";
import { createKeeper } from "./keep.ts";
import { createLoader } from "./load.ts";
import { createOriginCall, type Places } from "./origin-call.ts";
import { createSharedReader } from "./shared.ts";
import { createUnshared } from "./unshared.ts";
import { createWalk } from "./walk.ts";

export interface EnginePorts {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly flights: FlightPort;
  readonly places: Places;
  /** Runs a wait under a deadline; injected, for timers are the platform's. */
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
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
export function assembleEngine(ports: EnginePorts): EngineParts {
  const { memory, edge, store, flights, places, within, random, maxLandingChars } = ports;
  const coherence = createCoherence({ store, timeoutMs: ports.storeTimeoutMs, within });
  const unshared = createUnshared();
  const callOrigin = createOriginCall({ coherence, places, within });
  const keeper = createKeeper({ memory, edge, store, coherence, random });
  const shared = createSharedReader(store, coherence);
  const loader = createLoader({
    coherence,
    flights,
    callOrigin,
    keeper,
    unshared,
    failures: createFailures(random),
    maxLandingChars,
  });
  const walk = createWalk({ memory, edge, shared, coherence, keeper, loader, unshared });
  const coalescer = createCoalescer({ walk, coherence, unshared, within });
  const engine = createEngine({ memory, coherence, coalescer, keeper, within, random });
  const takeOut = createTakeOut({ memory, shared, coalescer, callOrigin, keeper, unshared });
  const batch = createBatch({ memory, coherence, coalescer, takeOut });
  return { coherence, engine, batch };
}
