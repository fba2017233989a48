/** Several isolates, data centres and regions over one Redis and one origin, in virtual time. */
import { createContext } from "../../src/core/context.ts";
import { done, failed } from "../../src/core/faults.ts";
import type { Context } from "../../src/core/context.ts";
import type { DataReader } from "../../src/core/data-reader.ts";
import type { Tier } from "../../src/core/tier.ts";
import type { Entry } from "../../src/core/entry.ts";
import { createFlightPort } from "../../src/durable/flight-port.ts";
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";
import { createFlights, type Flights } from "../../src/durable/flights.ts";
import { createEngineParts } from "../../src/engine/create-engine.ts";
import type { Coherence } from "../../src/engine/coherence.ts";
import { createReader } from "../../src/engine/reader.ts";
import type { RunningLoads } from "../../src/engine/running-loads.ts";
import { createWarmer } from "../../src/engine/warm.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { createWriteThrough, type WriteThrough } from "../../src/writes/through.ts";
import { plantFault, type PlantedFault } from "./faults.ts";
import { createRedisModel, type RedisModel } from "./redis-model.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const COHERENCE_MS = 1_000;
export const LAG_MS = 300;
export const REDIS_TIMEOUT_MS = 1_000;
export const ORIGIN_TIMEOUT_MS = 2_000;
export interface Isolate {
  readonly name: string;
  readonly colo: string;
  skewMs: number;
  /** False after a crash: the isolate's loads never end. */
  alive: boolean;
  readonly coherence: Coherence;
  readonly through: WriteThrough;
  request(): { ctx: Context; reader: DataReader };
}

export interface Cluster {
  readonly redis: RedisModel;
  readonly isolates: Isolate[];
  /** Replaces an isolate by a fresh one of the same data centre. */
  replace(index: number): void;
  /** The rows of the origin: the current value of each key. */
  readonly rows: Map<string, number>;
  origin: "up" | "failing" | "slow";
  /** The flight objects work, throw, or do not answer until they work again. */
  flightsAre: "up" | "gone" | "frozen";
  /** Loses the state of the flight objects, as when they move. */
  dropFlights(): void;
}

export interface ClusterOptions {
  readonly time: VirtualTime;
  readonly fault: PlantedFault;
  readonly keys: readonly string[];
}

/** Two isolates share a data centre; the other two each have their own. Two regions. */
const LOCATIONS = [
  { name: "a1", colo: "a", region: "eu" },
  { name: "a2", colo: "a", region: "eu" },
  { name: "b1", colo: "b", region: "eu" },
  { name: "c1", colo: "c", region: "na" },
] as const;

export function createCluster({ time, fault, keys }: ClusterOptions): Cluster {
  const redis = createRedisModel({ time, lagMs: LAG_MS, timeoutMs: REDIS_TIMEOUT_MS });
  const rows = new Map(keys.map((key) => [key, 0]));
  const edges = new Map<string, Map<string, Entry>>();
  const objects = new Map<string, Flights>();

  function objectOf(name: string): Flights {
    let flights = objects.get(name);
    if (flights === undefined) {
      flights = createFlights({
        now: time.now,
        newId: time.newId,
        after: time.after,
        lingerMs: 2_000,
      });
      objects.set(name, flights);
    }
    return flights;
  }

  function createEdge(colo: string): Tier {
    const entries = edges.get(colo) ?? new Map<string, Entry>();
    edges.set(colo, entries);
    const attempt = async <T>(work: () => T) => {
      await time.sleep(time.random() * 10);
      return redis.lossy && time.random() < 0.02
        ? failed("edge.unavailable", "edge")
        : done(work());
    };
    return {
      name: "edge",
      get: (key, ctx) =>
        attempt(() => {
          const entry = entries.get(key);
          return entry !== undefined && entry.deleteAt > ctx.now() ? entry : undefined;
        }),
      // A write to the edge may arrive late; `asOf` makes that harmless.
      set: async (entry) => {
        await time.sleep(time.random() * 400);
        return attempt(() => void entries.set(entry.key, entry));
      },
      delete: (names) => attempt(() => names.forEach((key) => entries.delete(key))),
    };
  }

  /** A stub of an object. Calls to a frozen object reach it once it works again. */
  function flightStub(name: string): FlightShardRpc {
    const reach = async (): Promise<void> => {
      await time.sleep(time.random() * 20);
      while (cluster.flightsAre === "frozen") await time.sleep(50);
      if (cluster.flightsAre === "gone") throw new Error("gone");
    };
    return {
      async join(request, onWait) {
        await reach();
        return objectOf(name).join(request, () => void time.after(time.random() * 20, onWait));
      },
      async land(request) {
        await reach();
        objectOf(name).land(request);
      },
    };
  }

  function createIsolate({ name, colo, region }: (typeof LOCATIONS)[number]): Isolate {
    const withTimeout = time.withTimeout;
    const ports = plantFault(
      fault,
      {
        memory: createMemoryTier({ maxBytes: 1 << 20, maxEntries: 4 }),
        edge: createEdge(colo),
        store: redis.store,
      },
      redis.head,
    );
    const { memory, edge, store } = ports;
    const { coherence, engine, batch, ...parts } = createEngineParts({
      memory,
      edge,
      store,
      flights: createFlightPort({
        stub: flightStub,
        namespace: "n",
        shards: 1,
        grantMs: 500,
        slackMs: 1_000,
        withTimeout,
      }),
      slots: { acquire: () => Promise.resolve(done(() => undefined)) },
      withTimeout,
      random: time.random,
      storeTimeoutMs: REDIS_TIMEOUT_MS,
      maxLandingChars: 1 << 20,

      stepsTimeoutMs: 2_500,
      flightSlackMs: 1_000,
    });
    const loads = fault === "nested-unseen" ? NO_LOADS : parts.loads;
    const warmer = createWarmer({ store, coherence, withTimeout, random: time.random });

    const isolate: Isolate = {
      name,
      colo,
      skewMs: 0,
      alive: true,
      coherence,
      through: createWriteThrough({ engine, etagOf }),
      request() {
        const ctx = createContext({
          now: () => time.now() + isolate.skewMs,
          host: colo,
          region,
          waitUntil: () => undefined,
          emit: () => undefined,
        });
        const reader = createReader(
          { engine, batch, warmer, loads, etagOf, onLookup: () => undefined },
          ctx,
        );
        return { ctx, reader };
      },
    };
    return isolate;
  }

  const cluster: Cluster = {
    redis,
    rows,
    isolates: LOCATIONS.map(createIsolate),
    origin: "up",
    flightsAre: "up",
    replace(index) {
      const location = LOCATIONS[index];
      const old = cluster.isolates[index];
      if (location === undefined || old === undefined) return;
      old.alive = false;
      cluster.isolates[index] = createIsolate(location);
    },
    dropFlights: () => objects.clear(),
  };
  return cluster;
}

const etagOf = (): Promise<string> => Promise.resolve('"e"');

/** Runs loads without noting in which load a read is made. */
const NO_LOADS: RunningLoads = {
  run: (_collector, load) => load(),
  count: 0,
  current: () => undefined,
};
