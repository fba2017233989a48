/** Builds the engine from the ports that it needs. */
import type { WithTimeout } from "../core/deadline.ts";
import { createEntry } from "../core/entry.ts";
import type { Slots } from "../core/origin-slots.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Millis } from "../core/time.ts";
import { createCoalescer } from "./coalescer.ts";
import { createCoherence, type Coherence } from "./coherence.ts";
import type { EntryParts } from "./entry-parts.ts";
import type { FlightStep } from "./flight-step.ts";
import { createHitForMiss, type HitForMiss } from "./hit-for-miss.ts";
import { createCallLoader } from "./load.ts";
import { createLoadBackoff, type LoadBackoff } from "./load-backoff.ts";
import type { CreateLogHearing } from "./log-hearing.ts";
import type { Engine } from "./engine.ts";
import { beginRead, createLookup } from "./lookup.ts";
import { createBatch, type Batch } from "./lookup-many.ts";
import { createOriginCall, type CallOrigin } from "./origin-call.ts";
import { createRunningLoads, type RunningLoads } from "./running-loads.ts";
import { createLookUpTiers } from "./lookup-tiers.ts";
import { createSearchTiers } from "./search-tiers.ts";
import { createSoftTimeout } from "./soft-timeout.ts";
import { createEntryStore } from "./store-entry.ts";
import { createStoredValues, type StoredValues } from "./stored-values.ts";
import { withTimedWaits } from "./timed-waits.ts";
import { createValidator } from "./validator.ts";

export interface EnginePorts {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  /** `ENTRY_PARTS` if the store holds entries. Default: it holds the log alone. */
  readonly entries?: EntryParts | undefined;
  /** Makes the log view use answers that other isolates have heard. Without it, every sync asks the log. */
  readonly createHearing?: CreateLogHearing | undefined;
  /** Creates the step that joins flights: `flightStepOf` a port, or `createSoloStep` without flight objects. */
  readonly createFlightStep: FlightStep;
  readonly slots: Slots;
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
  /** The maximum number of invalidation keys in the log view. Default 20,000. */
  readonly maxNumbers?: number | undefined;
}

export interface EngineParts {
  readonly coherence: Coherence;
  readonly engine: Engine;
  readonly batch: Batch;
  readonly loads: RunningLoads;
  readonly callOrigin: CallOrigin;
  /** Reads and renews stored values without a load. */
  readonly stored: StoredValues;
  readonly hitForMiss: HitForMiss;
  readonly backoff: LoadBackoff;
}

/** Creates the lookups of one key and of many keys. They share one log view. */
export function createEngineParts(ports: EnginePorts): EngineParts {
  const { memory, edge, store, slots, withTimeout, random } = ports;
  const { stepsTimeoutMs, storeTimeoutMs } = ports;
  const coherence = withTimedWaits(
    createCoherence({
      store,
      createHearing: ports.createHearing,
      createVerifications: ports.entries?.createVerifications,
      timeoutMs: storeTimeoutMs,
      withTimeout,
      drop: ports.entries?.createDrop(memory),
      maxNumbers: ports.maxNumbers,
    }),
  );
  const validator = createValidator(coherence);
  const hitForMiss = createHitForMiss();
  const backoff = createLoadBackoff(random);
  const loads = createRunningLoads();
  const callOrigin = createOriginCall({ coherence, slots, loads, withTimeout });
  const shared = ports.entries?.createReader(store, coherence);
  const coalescer = createCoalescer({
    validator,
    hitForMiss,
    loads,
    withTimeout,
    stepsTimeoutMs: storeTimeoutMs,
  });
  const tierPorts = {
    ...ports,
    coherence,
    validator,
    hitForMiss,
    backoff,
    loads,
    joinTurn: shared && ports.entries?.createTurns(shared).join,
    callLoader: createCallLoader(callOrigin),
    asksRedisFirst: false,
  };
  const lookups = createLookup({
    memory,
    coherence,
    validator,
    startDetached: coalescer.startDetached,
    resolve: createSoftTimeout(coalescer.resolve, validator, withTimeout),
    lookUpTiers: createLookUpTiers(tierPorts),
    loads,
    random,
    stepsTimeoutMs,
  });
  const entryStore = createEntryStore({ memory, edge, store, coherence, random });
  const engine: Engine = {
    lookup: lookups.lookup,
    refresh: lookups.refresh,

    logPosition: () => coherence.logPosition(),

    positionOf(entry) {
      const position = coherence.logPosition();
      const isNewer = position.asOf > entry.asOf && coherence.verdictOf(entry) === "valid";
      return isNewer ? position : entry;
    },

    put(key, policy, result, stamp, ctx) {
      const entry = createEntry(key, policy, result, stamp, 0);
      return { entry, ...entryStore.store(entry, { policy, ctx, logReachable: true }) };
    },

    beginRead: (key, policy, ctx) => beginRead(key, policy, ctx, stepsTimeoutMs),

    decide: validator.decide,

    discard(entry, ctx) {
      ctx.emit({ type: "entry.reject", key: entry.key, tier: "memory", reason: "unfit" });
      entryStore.discard(entry, ctx);
    },
  };
  const batch = createBatch(lookups, {
    ...tierPorts,
    ...ports.entries,
    shared,
    callOrigin,
  });
  const stored = createStoredValues({
    memory,
    coherence,
    lookups,
    searchTiers: createSearchTiers(tierPorts),
    shared,
    entryStore,
  });
  return { coherence, engine, batch, loads, callOrigin, stored, hitForMiss, backoff };
}
