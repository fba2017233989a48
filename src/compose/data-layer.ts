/** Builds the data cache of one isolate: tiers, shared store, flights and engine, without an application framework. */
import type { Defer } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import { DefinitionError } from "../core/faults.ts";
import type { FlightPort } from "../core/flight-port.ts";
import { JSON_SERIALIZER } from "../core/serializer.ts";
import type { Tier } from "../core/tier.ts";
import { createOpen } from "../data/open.ts";
import { readDataOptions, type DataOptions, type DataSettings } from "../data/options.ts";
import type { OpenFlights, SharedParts } from "../data/shared.ts";
import type { Strata } from "../data/strata.ts";
import { createEngineParts } from "../engine/create-engine.ts";
import { createSoloStep } from "../engine/flight-step.ts";
import { createRetryingInvalidate } from "../engine/invalidation-retry.ts";
import type { Warmer } from "../engine/warm.ts";
import type { Platform } from "../platform.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createDataCentreLog } from "../tiers/data-centre-log.ts";
import { createEdgeTier } from "../tiers/edge.ts";
import { createMemoryTier } from "../tiers/memory.ts";
import { withDataParts, type DataParts } from "./data-parts.ts";
import { composeOpenable, contextOf } from "./open-cache.ts";

/** A text of an entry that this layer hands over to other isolates has at most this many characters, without a shared store. */
const MAX_LANDING_CHARS = 2 ** 20;

/**
 * Creates a data cache with this clock, timer and source of randomness. `keepAlive` keeps work alive that
 * no execution context keeps alive. `noEdge` stands for the edge on a platform without the Cache API.
 */
export function createDataLayer(
  options: DataOptions,
  ownPlatform: Platform,
  keepAlive: Defer,
  noEdge?: Tier,
): Strata {
  const settings = readDataOptions(options);
  const { namespace } = settings;
  let built: DataParts | undefined;
  // workerd has no randomness and no clock while it loads modules, so the parts are built at the first use.
  const parts = (): DataParts =>
    (built ??= buildParts(options, settings, ownPlatform, keepAlive, noEdge));

  const strata: Strata = {
    namespace,
    reach: options.shared === undefined ? "data-centre" : "everywhere",
    ...composeOpenable(() => ({ ...parts(), now: ownPlatform.now })),
  };
  return withDataParts(strata, parts);
}

function buildParts(
  options: DataOptions,
  settings: DataSettings,
  ownPlatform: Platform,
  keepAlive: Defer,
  noEdge: Tier | undefined,
): DataParts {
  const { now, random, newId, sleep } = ownPlatform;
  const { namespace, edge } = settings;
  const emit = options.onEvent ?? (() => undefined);
  const opening: SharedParts = { namespace, newId, now, random, withTimeout, emit };
  const store = options.shared?.open(opening);
  const { entries } = store ?? {};
  const open = async (): Promise<Cache> => caches.open(namespace);
  const { timeoutMs } = edge;
  // Without a shared store, the edge holds the log of one data centre.
  const shared = store ?? {
    store: createDataCentreLog({
      open: noEdge === undefined ? open : undefined,
      timeoutMs,
      withTimeout,
      newId,
      sleep,
    }),
    timeoutMs,
    maxEntryChars: MAX_LANDING_CHARS,
  };
  const flights = options.flights?.open(opening) ?? NO_FLIGHTS;
  const plain = {
    edge: noEdge ?? createEdgeTier({ open, ...edge, withTimeout }),
    store: shared.store,
  };
  const ports = options.encryption?.open(namespace, plain) ?? { ...plain, flightsOf: asItIs };

  const { slots, slotWaitMs, overload: createSlots } = settings.origin;
  const originSlots = createSlots({
    slots,
    slotWaitMs,
    withTimeout,
    now,
    random,
    onShed: (priority, reason) => emit({ type: "slot.refuse", priority, reason }),
  });
  const memory = createMemoryTier({
    ...settings.memory,
    eviction: settings.memory.eviction(random),
    onRefuse: (key) => emit({ type: "entry.reject", key, tier: "memory", reason: "too-big" }),
  });
  const tiers = {
    memory,
    edge: ports.edge,
    store: ports.store,
    emit,
  };
  const holdsEntries = entries !== undefined;
  const newContext = (): Context => contextOf({ now, emit, keepAlive });
  const guarded = { ...tiers, ...options.admission?.guard({ ...tiers, holdsEntries, newContext }) };
  const engineParts = createEngineParts({
    ...guarded,
    entries,
    createFlightStep: flights.stepOf(ports.flightsOf),
    slots: originSlots,
    withTimeout,
    random,
    storeTimeoutMs: shared.timeoutMs,
    maxLandingChars: shared.maxEntryChars,
    stepsTimeoutMs: timeoutMs + shared.timeoutMs + flights.grantTimeoutMs,
  });
  const { coherence, callOrigin } = engineParts;
  const serializer = options.serializer ?? JSON_SERIALIZER;
  const warmer =
    entries?.createWarmer({ store: ports.store, coherence, callOrigin, random }) ?? NO_WARMER;
  const invalidate = createRetryingInvalidate(coherence, "n:");
  return {
    ...engineParts,
    ...guarded,
    openFor: createOpen({
      ...engineParts,
      ...guarded,
      erase: entries?.createErase({ memory, ...ports }),
      warmer,
      invalidate,
      serializer,
    }),
    slots: originSlots,
    warmer,
    settings,
    invalidate,
    keepAlive,
    platform: ownPlatform,
    serializer,
  };
}

/** The warmer of an application without a shared store. */
const NO_WARMER: Warmer = {
  warm() {
    throw new DefinitionError("warm", "needs the option `shared`");
  },
};

/** The flights of an application without flight objects: each isolate loads by itself. */
const NO_FLIGHTS: OpenFlights = { grantTimeoutMs: 0, stepOf: () => createSoloStep };

const asItIs = (port: FlightPort): FlightPort => port;
