/** Several isolates, data centres and regions over one Redis and one origin, in virtual time. */
import { createContext } from "../../src/core/context.ts";
import { CacheUnavailable, done, failed } from "../../src/core/faults.ts";
import { definePolicy, type Policy } from "../../src/core/policy.ts";
import type { Context } from "../../src/core/context.ts";
import type { DataReader } from "../../src/core/data-reader.ts";
import type { Tier } from "../../src/core/tier.ts";
import { invalidationKeyOfTag } from "../../src/core/invalidation-key.ts";
import type { Entry } from "../../src/core/entry.ts";
import { createFlightPort } from "../../src/durable/flight-port.ts";
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";
import { createFlights, type Flights } from "../../src/durable/flights.ts";
import { createEngineParts } from "../../src/engine/create-engine.ts";
import type { Coherence } from "../../src/engine/coherence.ts";
import { createReader } from "../../src/engine/reader.ts";
import { createWarmer } from "../../src/engine/warm.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { plantFault, type PlantedFault } from "./faults.ts";
import type { History } from "./history.ts";
import { createRedisModel, type RedisModel } from "./redis-model.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const COHERENCE_MS = 1_000;
export const LAG_MS = 300;
export const REDIS_TIMEOUT_MS = 1_000;
export const ORIGIN_TIMEOUT_MS = 2_000;
/** How long after an invalidation it is verified, as the relay does: a lost number is noticed then. */
const VERIFY_MS = 5_000;

/** Each region runs its own load of a key whose policy has flight: region. */
const REGIONS = 2;

export interface Isolate {
  readonly name: string;
  readonly colo: string;
  skewMs: number;
  /** False after a crash: the isolate's loads never end. */
  alive: boolean;
  readonly coherence: Coherence;
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
  read(isolate: Isolate, key: string): Promise<void>;
  write(isolate: Isolate, key: string): Promise<void>;
  /** Loses the state of the flight objects, as when they move. */
  dropFlights(): void;
}

export interface ClusterOptions {
  readonly time: VirtualTime;
  readonly history: History;
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

export function createCluster({ time, history, fault, keys }: ClusterOptions): Cluster {
  const redis = createRedisModel({ time, lagMs: LAG_MS, timeoutMs: REDIS_TIMEOUT_MS });
  const rows = new Map(keys.map((key) => [key, 0]));
  const edges = new Map<string, Map<string, Entry>>();
  const objects = new Map<string, Flights>();

  const policies = new Map(keys.map((key, i) => [key, policyOf(i, fault)]));

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
        memory: createMemoryTier({ maxBytes: 1 << 20, maxEntries: 100 }),
        edge: createEdge(colo),
        store: redis.store,
      },
      redis.head,
    );
    const { memory, edge, store } = ports;
    const slot = () => Promise.resolve(done(() => undefined));
    const { coherence, engine, batch, loads, callOrigin } = createEngineParts({
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
      slots: { acquire: slot, acquireFirst: slot },
      withTimeout,
      random: time.random,
      storeTimeoutMs: REDIS_TIMEOUT_MS,
      maxLandingChars: 1 << 20,

      stepsTimeoutMs: 2_500,
      flightSlackMs: 1_000,
    });
    const warmer = createWarmer({ store, coherence, callOrigin, random: time.random });

    const isolate: Isolate = {
      name,
      colo,
      skewMs: 0,
      alive: true,
      coherence,
      request() {
        const ctx = createContext({
          now: () => time.now() + isolate.skewMs,
          host: colo,
          region,
          waitUntil: () => undefined,
          emit: () => undefined,
        });
        const etagOf = () => Promise.resolve('"e"');
        const reader = createReader(
          { engine, batch, warmer, loads, etagOf, onLookup: () => undefined },
          ctx,
        );
        return { ctx, reader };
      },
    };
    return isolate;
  }

  async function load(isolate: Isolate, key: string): Promise<number> {
    const limit = policies.get(key)?.flight === "global" ? 1 : REGIONS;
    const ended = history.loadBegins(key, limit, time.now());
    try {
      await time.sleep(time.random() * 60);
      if (cluster.origin === "failing") throw new Error("origin failed");
      // The row is read at one instant inside the load.
      const value = rows.get(key) ?? 0;
      const slow = cluster.origin === "slow" ? 1_500 : 250;
      await time.sleep(time.random() * slow);
      // The load of a crashed isolate never ends.
      if (!isolate.alive) await new Promise(() => undefined);
      return value;
    } finally {
      ended();
    }
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

    async read(isolate, key) {
      const policy = policies.get(key);
      if (policy === undefined) return;
      const { reader } = isolate.request();
      const end = history.readBegins(key, isolate.name, time.now());
      try {
        const found = await reader.read<number>(key, policy, (context) => {
          context.tag(`found-${key.slice(-1)}`);
          return load(isolate, key);
        });
        end({
          value: found.value,
          unreachable: found.unreachable,
          status: found.status,
          at: time.now(),
        });
      } catch (error) {
        if (!(error instanceof CacheUnavailable)) throw error;
        end({ value: undefined, unreachable: true, status: "unavailable", at: time.now() });
      }
    },

    /** Commits, invalidates until that is acknowledged, and verifies, as the writer and its relay do. */
    async write(isolate, key) {
      await time.sleep(time.random() * 30);
      const version = (rows.get(key) ?? 0) + 1;
      rows.set(key, version);
      const written = history.committed(key, version, time.now());
      // Half of the writes purge by a tag that only the load adds.
      const logKey =
        version % 2 === 0 ? invalidationKeyOfTag(`found-${key.slice(-1)}`) : (`k:${key}` as const);
      const { ctx } = isolate.request();
      isolate.coherence.markInvalidated([logKey]);
      for (;;) {
        const answer = await isolate.coherence.invalidate([logKey], ctx);
        if (answer.ok) {
          written(time.now());
          await time.sleep(VERIFY_MS);
          if (redis.has(logKey, answer.value.seq)) return written(time.now(), true);
        } else await time.sleep(500);
      }
    },
  };
  return cluster;
}

/** Policies with lifetimes so short that an entry passes through all of them in a schedule. */
function policyOf(i: number, fault: PlantedFault): Policy {
  return definePolicy({
    freshFor: i % 2 === 0 ? 20_000 : 2_000,
    staleWhileRevalidate: i % 2 === 0 ? 0 : 3_000,
    staleIfError: 10_000,
    jitter: 0.2,
    coherence: COHERENCE_MS,
    originTimeout: ORIGIN_TIMEOUT_MS,
    flight: fault === "coalescing-off" ? "off" : i === 1 ? "global" : "region",
  });
}
