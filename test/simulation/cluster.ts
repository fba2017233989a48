/** Several isolates, data centres and regions over one Redis and one origin, in virtual time. */
import { createContext, type Context } from "../../src/core/context.ts";
import type { Invalidator } from "../../src/core/invalidator.ts";
import type { DataReader } from "../../src/core/data-reader.ts";
import { createFlightPort } from "../../src/durable/flight-port.ts";
import { createEngineParts } from "../../src/engine/create-engine.ts";
import { ENTRY_PARTS } from "../../src/engine/entry-parts.ts";
import { flightStepOf } from "../../src/engine/join-flight.ts";
import { hearingOf } from "../../src/engine/log-hearing.ts";
import { createExistence, type Existence } from "../../src/engine/existence.ts";
import { createReader } from "../../src/engine/reader.ts";
import { createWarmer } from "../../src/engine/warm.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { createWriteThrough, type WriteThrough } from "../../src/writes/through.ts";
import { createWriter, type Writer } from "../../src/writes/writer.ts";
import { createDurableModel } from "./durable-model.ts";
import { createEdges } from "./edge-model.ts";
import { plantFault, type PlantedFault } from "./faults.ts";
import { createFlightModel } from "./flight-objects.ts";
import { createGroupModel } from "./group-objects.ts";
import type { History } from "./history.ts";
import type { Limits } from "./limits.ts";
import { createOutboxModel, type OutboxModel } from "./outbox-model.ts";
import { plantInFilters, plantInInvalidator, plantInLoads } from "./part-faults.ts";
import { createSharedLogModel } from "./shared-log.ts";
import { createRedisModel, type RedisModel } from "./redis-model.ts";
import { createSlots } from "./slots.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const COHERENCE_MS = 1_000;
export const LAG_MS = 300;
export const REDIS_TIMEOUT_MS = 1_000;
const SQL_TIMEOUT_MS = 1_000;
export const ORIGIN_TIMEOUT_MS = 4_000;
/** The relay verifies a row this long after its number was recorded. */
const VERIFY_MS = 5_000;
/** The kind of the keys that may not exist. An existence filter knows those that do. */
export const THING = "thing";

export interface Isolate {
  readonly name: string;
  readonly colo: string;
  /** How far its clock is off from that of its data centre, in a cluster that shares syncs. */
  readonly offsetMs: number;
  skewMs: number;
  /** False after a crash: the isolate's loads never end. */
  alive: boolean;
  readonly invalidator: Invalidator;
  readonly through: WriteThrough;
  readonly writer: Writer;
  readonly existence: Existence;
  request(): { ctx: Context; reader: DataReader };
}

export interface Cluster {
  readonly redis: RedisModel;
  readonly outbox: OutboxModel;
  readonly isolates: Isolate[];
  /** Whether isolates share syncs. */
  readonly sharing: boolean;
  /** Replaces an isolate by a fresh one of the same data centre. */
  replace(index: number): void;
  /** The rows of the origin: the current value of each key. */
  readonly rows: Map<string, number>;
  /** The version that the last write-through or write-behind of each isolate stores. */
  readonly puts: Map<string, { readonly key: string; readonly version: number }>;
  origin: "up" | "failing" | "slow";
  /** The flight objects work, throw, or do not answer until they work again. */
  flightsAre: "up" | "gone" | "frozen";
  /** Lets the replica of Redis become the primary. The objects of a durable store restart. */
  failOver(): void;
  /** Closes the databases of a durable store. */
  close(): void;
  /** Loses the state of the Durable Objects, as when they move. */
  dropObjects(): void;
}

export interface ClusterOptions {
  readonly time: VirtualTime;
  readonly fault: PlantedFault;
  readonly history: History;
  readonly limits: Limits;
  /** Whether isolates share syncs. Then the clocks of one data centre differ by at most 50 ms. */
  readonly sharing?: boolean;
  /** Whether log objects number the invalidations of a region together. */
  readonly grouping?: boolean;
  /** The number of entry objects of a store in Durable Objects. Default: the store is Redis. */
  readonly shards?: number | undefined;
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
  const { time, fault, history, limits, sharing = false, grouping = false } = options;
  const modelled = { time, timeoutMs: REDIS_TIMEOUT_MS, limits, fault };
  const durable =
    options.shards === undefined
      ? undefined
      : createDurableModel({ ...modelled, shards: options.shards });
  const redis = durable ?? createRedisModel({ ...modelled, lagMs: LAG_MS });
  const outbox = createOutboxModel({
    time,
    fault,
    timeoutMs: SQL_TIMEOUT_MS,
    onDelivered: (logKeys, committedAt) => history.delivered(logKeys, committedAt, time.now()),
    onNumbered: (row, times) => history.numbered(row, times),
  });
  const rows = new Map<string, number>();
  const puts: Cluster["puts"] = new Map();
  const edges = createEdges(time, () => redis.lossy);
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

  const flightModel = createFlightModel({ time, fault, keptBytes: limits.keptBytes, reachObject });
  const groupModel = createGroupModel({ time, store: redis.store, fault, reachObject });

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
    const { coherence, engine, batch, callOrigin, ...parts } = createEngineParts({
      entries: ENTRY_PARTS,
      memory,
      edge,
      store,
      createHearing: sharing ? hearingOf(sharedLog.sharesOf(colo, now)) : undefined,
      createFlightStep: flightStepOf(
        createFlightPort({
          stub: flightModel.stubOf,
          namespace: "n",
          shards: 1,
          grantMs: 500,
          slackMs: 1_000,
          withTimeout,
        }),
      ),
      slots: createSlots(time, limits.slots),
      withTimeout,
      random: time.random,
      storeTimeoutMs: REDIS_TIMEOUT_MS,
      maxLandingChars: limits.landingChars,
      maxNumbers: limits.numbers,
      stepsTimeoutMs: 2_500,
    });
    const loads = plantInLoads(fault, parts.loads);
    const warmer = createWarmer({ store, coherence, callOrigin, random: time.random });
    const through = createWriteThrough({ engine, etagOf });
    const isAlive = (): boolean => isolate.alive;
    const invalidator = plantInInvalidator(
      fault,
      observed(grouping ? groupModel.grouped(coherence) : coherence, name),
    );
    const writer = createWriter({
      db: outbox.databaseOf(isAlive),
      invalidator,
      namespace: "n",
      verifyAfterMs: VERIFY_MS,
      through,
      takeSlot: async () => () => undefined,
    });
    coherence.onRecovery((ctx) => writer.relay(ctx));
    const existence = createExistence({
      ...plantInFilters(fault, { coherence, store }),
      filters: redis.filters,
      newSeed: () => [time.random() * 2 ** 32, time.random() * 2 ** 32],
      rate: 0.01,
      coherenceMs: COHERENCE_MS,
      rebuildMs: 4_000,
      maxAgeMs: 30_000,
      ...{ reloadMs: 6_000, withTimeout },
    });
    existence.define({
      name: THING,
      async listKeys() {
        await time.sleep(time.random() * 100);
        const keys = [...rows.keys()].filter((key) => key.startsWith(`${THING}:`));
        await time.sleep(time.random() * 300);
        return keys;
      },
    });

    const isolate: Isolate = {
      name,
      colo,
      offsetMs: sharing ? offsetMs : 0,
      skewMs: sharing ? clockMs + offsetMs : 0,
      alive: true,
      invalidator,
      through,
      writer,
      existence,
      request() {
        const ignore = (): undefined => undefined;
        const ctx = createContext({ now, host: colo, region, waitUntil: ignore, emit: ignore });
        const reader = createReader(
          { engine, batch, warmer, loads, etagOf, onLookup: () => undefined },
          ctx,
        );
        return { ctx, reader };
      },
    };
    return isolate;
  }

  /** Tells the history which invalidations the log has acknowledged. */
  function observed(coherence: Invalidator, isolate: string): Invalidator {
    return {
      ...coherence,
      async invalidate(logKeys, ctx, watched) {
        const sentAt = time.now();
        const answer = await coherence.invalidate(logKeys, ctx, watched);
        const put = watched?.length ? puts.get(isolate) : undefined;
        if (answer.ok) history.invalidated(logKeys, sentAt, time.now(), put);
        return answer;
      },
    };
  }

  const cluster: Cluster = {
    redis,
    outbox,
    ...{ rows, puts },
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
    failOver() {
      // Numbers that a Durable Object has acknowledged are on its disk.
      if (durable === undefined) history.numbersLost(time.now());
      redis.failOver();
    },
    close: () => durable?.close(),
    dropObjects() {
      flightModel.dropObjects();
      sharedLog.dropObjects();
      groupModel.dropObjects();
    },
  };
  return cluster;
}

const etagOf = (): Promise<string> => Promise.resolve('"e"');
