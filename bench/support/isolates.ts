/**
 * Isolates of Strata in this process: engine, Redis store and flight logic, without Durable
 * Objects.
 */
import { createContext } from "../../src/core/context.ts";
import { done } from "../../src/core/faults.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { Context } from "../../src/core/context.ts";
import type { FlightPort } from "../../src/core/flight-port.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import type { Tier } from "../../src/core/tier.ts";
import { createFlights } from "../../src/durable/flights.ts";
import { createEngineParts } from "../../src/engine/create-engine.ts";
import { ENTRY_PARTS } from "../../src/engine/entry-parts.ts";
import { flightStepOf } from "../../src/engine/join-flight.ts";
import type { Coherence } from "../../src/engine/coherence.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { withTimeout } from "./with-timeout.ts";

const TIMEOUT_MS = 1_000;

export interface Isolate {
  readonly coherence: Coherence;
  request(): Context;
  /** Does what `cache.read` does, without the parts that these benchmarks do not use. */
  read(
    key: string,
    policy: Policy,
    load: () => Promise<string | undefined>,
  ): Promise<string | undefined>;
}

/** The edge tier of a data centre without a Cache API, as on workers.dev. */
const noEdge: Tier = {
  name: "edge",
  get: () => Promise.resolve(done(undefined)),
  set: () => Promise.resolve(done(undefined)),
  delete: () => Promise.resolve(done(undefined)),
};

/** Does what a Durable Object does for all isolates of a region. */
export function createLocalFlights(): FlightPort {
  const flights = createFlights({
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    lingerMs: 2_000,
    maxKeptBytes: 4 * 2 ** 20,
  });
  return {
    join: async (_scope, request) => done(await flights.join(request)),
    land: async (_scope, request) => done(flights.land(request)),
  };
}

export function createIsolate(store: SharedStore, flights: FlightPort): Isolate {
  const slot = () => Promise.resolve(done(() => undefined));
  const { coherence, engine } = createEngineParts({
    entries: ENTRY_PARTS,
    memory: createMemoryTier({ maxBytes: 32 * 2 ** 20, maxEntries: 20_000 }),
    edge: noEdge,
    store,
    createFlightStep: flightStepOf(flights),
    slots: { acquire: slot },
    withTimeout,
    random: Math.random,
    storeTimeoutMs: TIMEOUT_MS,
    maxLandingChars: 2 ** 20,

    stepsTimeoutMs: 2_500,
  });
  const request = (): Context =>
    createContext({
      now: () => Date.now(),
      host: "bench.invalid",
      region: "local",
      waitUntil: (work) => void work.catch(() => undefined),
      emit: () => undefined,
    });
  return {
    coherence,
    request,
    async read(key, policy, load) {
      const task = {
        load: async () => {
          const value = await load();
          const kind = value === undefined ? ("absent" as const) : ("value" as const);
          const body = value ?? "";
          return { storable: true as const, kind, body, etag: "", invalidationKeys: [] };
        },
      };
      const { entry } = await engine.lookup(key, policy, task, request());
      return entry?.kind === "value" ? String(entry.body) : undefined;
    },
  };
}
