/** Several isolates, data centres and regions over one Redis and one origin, in virtual time. */
import { createContext } from "../../src/core/context.ts";
import { done } from "../../src/core/faults.ts";
import type { Context } from "../../src/core/context.ts";
import type { DataReader } from "../../src/core/data-reader.ts";
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
import { createEdges } from "./edge-model.ts";
import { plantFault, type PlantedFault } from "./faults.ts";
import { createGroupModel } from "./group-objects.ts";
import { createSharedLogModel } from "./shared-log.ts";
import { createRedisModel, type RedisModel } from "./redis-model.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const COHERENCE_MS = 1_000;
export const LAG_MS = 300;
export const REDIS_TIMEOUT_MS = 1_000;
export const ORIGIN_TIMEOUT_MS = 2_000;
export interface Isolate {
  readonly name: string;
  readonly colo: string;
  /** How far its clock is off from that of its data centre, in a cluster that shares syncs. */
  readonly offsetMs: number;
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
  /** Whether isolates share syncs. */
  readonly sharing: boolean;
  /** Replaces an isolate by a fresh one of the same data centre. */
  replace(index: number): void;
  /** The rows of the origin: the current value of each key. */
  readonly rows: Map<string, number>;
  origin: "up" | "failing" | "slow";
  /** The flight objects work, throw, or do not answer until they work again. */
  flightsAre: "up" | "gone" | "frozen";
  /** Loses the state of the Durable Objects, as when they move. */
  dropObjects(): void;
}

export interface ClusterOptions {
  readonly time: VirtualTime;
  readonly fault: PlantedFault;
  readonly keys: readonly string[];
  /** Whether isolates share syncs. Then the clocks of one data centre differ by at most 50 ms. */
  readonly sharing?: boolean;
  /** Whether log objects number the invalidations of a region together. */
  readonly grouping?: boolean;
}

/** Two isolates share a data centre; the other two each have their own. Two regions. */
const LOCATIONS = [
  { name: "a1", colo: "a", region: "eu", offsetMs: 25 },
  { name: "a2", colo: "a", region: "eu", offsetMs: -25 },
  { name: "b1", colo: "b", region: "eu", offsetMs: 0 },
  { name: "c1", colo: "c", region: "na", offsetMs: 0 },
] as const;

type Location = (typeof LOCATIONS)[number];

export function createCluster(options: ClusterOptions): Cluster {
  const { time, fault, keys, sharing = false, grouping = false } = options;
  const redis = createRedisModel({ time, lagMs: LAG_MS, timeoutMs: REDIS_TIMEOUT_MS });
  const rows = new Map(keys.map((key) => [key, 0]));
  const edges = createEdges(time, () => redis.lossy);
  const objects = new Map<string, Flights>();

  function objectOf(name: string): Flights {
    let flights = objects.get(name);
    if (flights === undefined) {
      flights = createFlights({
        now: time.now,
        newId: time.newId,
        after: time.after,
        lingerMs: 2_000,
        maxKeptBytes: 2 ** 20,
      });
      objects.set(name, flights);
    }
    return flights;
  }

  /** Calls to a frozen object reach it once it works again. */
  async function reachObject(): Promise<void> {
    await time.sleep(time.random() * 20);
    while (cluster.flightsAre === "frozen") await time.sleep(50);
    if (cluster.flightsAre === "gone") throw new Error("gone");
  }

  const sharedLog = createSharedLogModel({
    time,
    store: redis.store,
    fault,
    isLossy: () => redis.lossy,
    lateWrites: 0.1,
    reachObject,
  });

  const groupModel = createGroupModel({ time, store: redis.store, fault, reachObject });

  /** A stub of a flight object. */
  function flightStub(name: string): FlightShardRpc {
    return {
      async join(request, onWait) {
        await reachObject();
        return objectOf(name).join(request, () => void time.after(time.random() * 20, onWait));
      },
      async land(request) {
        await reachObject();
        objectOf(name).land(request);
      },
    };
  }

  function createIsolate({ name, colo, region, offsetMs }: Location, clockMs = 0): Isolate {
    const withTimeout = time.withTimeout;
    const now = (): number => time.now() + isolate.skewMs;
    const ports = plantFault(
      fault,
      {
        memory: createMemoryTier({ maxBytes: 1 << 20, maxEntries: 4 }),
        edge: edges.edgeOf(colo),
        store: redis.store,
      },
      redis.head,
    );
    const { memory, edge, store } = ports;
    const slot = () => Promise.resolve(done(() => undefined));
    const { coherence, engine, batch, callOrigin, ...parts } = createEngineParts({
      memory,
      edge,
      store,
      shares: sharing ? sharedLog.sharesOf(colo, now) : undefined,
      flights: createFlightPort({
        stub: flightStub,
        namespace: "n",
        shards: 1,
        grantMs: 500,
        slackMs: 1_000,
        withTimeout,
      }),
      slots: { acquire: slot },
      withTimeout,
      random: time.random,
      storeTimeoutMs: REDIS_TIMEOUT_MS,
      maxLandingChars: 1 << 20,

      stepsTimeoutMs: 2_500,
    });
    const loads = fault === "nested-unseen" ? unseen(parts.loads) : parts.loads;
    const warmer = createWarmer({ store, coherence, callOrigin, random: time.random });

    const isolate: Isolate = {
      name,
      colo,
      offsetMs: sharing ? offsetMs : 0,
      skewMs: sharing ? clockMs + offsetMs : 0,
      alive: true,
      coherence: grouping ? groupModel.grouped(coherence) : coherence,
      through: createWriteThrough({ engine, etagOf }),
      request() {
        const ctx = createContext({
          now,
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
    isolates: LOCATIONS.map((location) => createIsolate(location)),
    sharing,
    origin: "up",
    flightsAre: "up",
    replace(index) {
      const location = LOCATIONS[index];
      const old = cluster.isolates[index];
      if (location === undefined || old === undefined) return;
      old.alive = false;
      cluster.isolates[index] = createIsolate(location, old.skewMs - old.offsetMs);
    },
    dropObjects() {
      objects.clear();
      sharedLog.dropObjects();
      groupModel.dropObjects();
    },
  };
  return cluster;
}

const etagOf = (): Promise<string> => Promise.resolve('"e"');

/** Runs loads without noting in which load a read is made. */
const unseen = (loads: RunningLoads): RunningLoads => ({
  ...loads,
  run: (_collector, load) => load(),
  current: () => undefined,
});
