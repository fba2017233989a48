/** Builds the data cache of one isolate: tiers, shared store, flights and engine, without an application framework. */
import type { Defer } from "../core/breaker.ts";
import { done } from "../core/faults.ts";
import type { FlightPort } from "../core/flight-port.ts";
import { JSON_SERIALIZER } from "../core/serializer.ts";
import type { Tier } from "../core/tier.ts";
import { createOpen } from "../data/open.ts";
import { readDataOptions, type DataOptions, type DataSettings } from "../data/options.ts";
import type { OpenFlights, OpenShared, SharedParts } from "../data/shared.ts";
import type { Strata } from "../data/strata.ts";
import { createEngineParts } from "../engine/create-engine.ts";
import { createSoloStep } from "../engine/flight-step.ts";
import { createRetryingInvalidate } from "../engine/invalidation-retry.ts";
import { createWarmer } from "../engine/warm.ts";
import type { Platform } from "../platform.ts";
import { createAdaptiveLimit } from "../resilience/adaptive-limit.ts";
import { createBulkhead } from "../resilience/bulkhead.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createDataCentreLog } from "../tiers/data-centre-log.ts";
import { createEdgeTier } from "../tiers/edge.ts";
import { createMemoryTier } from "../tiers/memory.ts";
import { withDataParts, type DataParts } from "./data-parts.ts";
import { composeOpenable } from "./open-cache.ts";

/** The limit of origin calls does not fall below this share of the slots. */
const MIN_SHARE = 1 / 8;
/** A text of an entry that this layer hands over to other isolates has at most this many characters, without a shared store. */
const MAX_LANDING_CHARS = 2 ** 20;

/**
 * Creates a data cache with this clock, timer and source of randomness. `keepAlive` keeps work alive that
 * no execution context keeps alive.
 */
export function createDataLayer(
  options: DataOptions,
  ownPlatform: Platform,
  keepAlive: Defer,
): Strata {
  const settings = readDataOptions(options);
  const { namespace } = settings;
  let built: DataParts | undefined;
  // workerd has no randomness and no clock while it loads modules, so the parts are built at the first use.
  const parts = (): DataParts => (built ??= buildParts(options, settings, ownPlatform, keepAlive));

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
): DataParts {
  const { now, random, newId, sleep } = ownPlatform;
  const { namespace, edge } = settings;
  const emit = options.onEvent ?? (() => undefined);
  const opening: SharedParts = { namespace, newId, now, random, withTimeout, emit };
  const shared = options.shared?.open(opening) ?? dataCentre(settings, ownPlatform);
  const flights = options.flights?.open(opening) ?? NO_FLIGHTS;
  const plain = {
    edge:
      typeof caches === "undefined"
        ? NO_EDGE
        : createEdgeTier({
            open: () => openCaches(namespace),
            timeoutMs: edge.timeoutMs,
            maxEntryChars: edge.maxEntryChars,
            withTimeout,
          }),
    store: shared.store,
    flights: flights.port,
  };
  const ports = options.encryption?.open(namespace, plain) ?? plain;

  const { slots, slotWaitMs } = settings.origin;
  const originSlots = createBulkhead({
    slots,
    limit: createAdaptiveLimit({ min: Math.ceil(slots * MIN_SHARE), max: slots }),
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
  const engineParts = createEngineParts({
    memory,
    ...ports,
    createFlightStep: flights.createStep,
    slots: originSlots,
    withTimeout,
    random,
    storeTimeoutMs: shared.timeoutMs,
    maxLandingChars: shared.maxEntryChars,
    stepsTimeoutMs: edge.timeoutMs + shared.timeoutMs + flights.grantTimeoutMs,
  });
  const { coherence, callOrigin } = engineParts;
  const serializer = options.serializer ?? JSON_SERIALIZER;
  const warmer = createWarmer({ ...ports, coherence, callOrigin, random });
  const invalidate = createRetryingInvalidate(coherence, "n:");
  return {
    ...engineParts,
    openFor: createOpen({ ...engineParts, warmer, invalidate, serializer }),
    memory,
    slots: originSlots,
    warmer,
    settings,
    invalidate,
    emit,
    keepAlive,
    platform: ownPlatform,
    serializer,
  };

  /** The store of an application without a shared one. */
  function dataCentre({ edge: { timeoutMs } }: DataSettings, own: Platform): OpenShared {
    const open = typeof caches === "undefined" ? undefined : () => openCaches(namespace);
    return {
      store: createDataCentreLog({ open, timeoutMs, withTimeout, newId: own.newId, sleep }),
      timeoutMs,
      maxEntryChars: MAX_LANDING_CHARS,
    };
  }
}

async function openCaches(namespace: string): Promise<Cache> {
  return caches.open(namespace);
}

/** The edge of a platform without the Cache API, such as Node. */
const NO_EDGE: Tier = {
  name: "edge",
  get: async () => done(undefined),
  set: async () => done(undefined),
  delete: async () => done(undefined),
};

/** The port of an application without flight objects: each isolate leads its own loads. */
const NO_FLIGHTS: OpenFlights = {
  port: {
    join: async () => done({ role: "leader", flight: "", lease: "" }),
    land: async () => done(undefined),
  } satisfies FlightPort,
  grantTimeoutMs: 0,
  createStep: createSoloStep,
};
