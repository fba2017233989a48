/**
 * The Durable Object classes of the layer. A Worker exports them from its main module. The platform
 * creates the objects with bindings only, so they use the defaults of config/settings.ts.
 */
import { createAnswerHost } from "./answers/answer-host.ts";
import { createChatCall } from "./answers/chat-call.ts";
import { createRecordings } from "./answers/recordings.ts";
import { readConfig, type Config } from "./config.ts";
import type { Bindings } from "./config/bindings.ts";
import type { SharedStore } from "./core/shared-store.ts";
import { createAnswerObject } from "./durable/answer-object.ts";
import { createFlightShard } from "./durable/flight-shard.ts";
import { createMetricsShard } from "./durable/metrics-shard.ts";
import { createOutboxAlarm, type RelayRun } from "./durable/outbox-alarm.ts";
import { createRegionLog } from "./durable/region-log.ts";
import { createSlotGrants } from "./durable/slot-grants.ts";
import { createTopicObject } from "./durable/topic-object.ts";
import { createDatabase, type Database } from "./origin/neon.ts";
import { after, backgroundContext, exporterPlatform, platform, sleep } from "./platform.ts";
import { publishAll } from "./redis/channels.ts";
import { createRedis } from "./redis/client.ts";
import { createRedisStore } from "./redis/store.ts";
import { withTimeout } from "./resilience/deadline.ts";
import { createDurableTracer } from "./telemetry/traces/durable-tracer.ts";
import { createPush } from "./telemetry/export/metrics-push.ts";
import { readSettings } from "./telemetry/settings.ts";
import { createTotals } from "./telemetry/metrics/totals.ts";
import { readEvents } from "./writes/live-events.ts";
import { relay } from "./writes/relay.ts";

/**
 * The class behind the binding `FLIGHTS`: it grants leases, so that isolates share loads.
 *
 * @example
 * export { AnswerObject, FlightShard, MetricsShard, OutboxAlarm, RegionLog, SlotGrants, TopicObject } from "./src/index.ts";
 */
export const FlightShard = createFlightShard({
  now: platform.now,
  newId: platform.newId,
  createTracer: (bindings: Bindings) =>
    createDurableTracer({ settings: readSettings(bindings).settings, ...exporterPlatform }),
});

/** The class behind the binding `METRICS`: it adds up the metrics of isolates. */
export const MetricsShard = createMetricsShard({
  now: platform.now,
  createTotals,
  createPush: (bindings: Bindings) =>
    createPush({ settings: readSettings(bindings).settings, ...exporterPlatform }),
  commitMs: 250,
});

/** The class behind the binding `OUTBOX`. Its alarm wakes the relay for second invalidations. */
export const OutboxAlarm = createOutboxAlarm({
  now: platform.now,
  runRelay,
  retryMs: 1_000,
  // A longer pause is not needed, because the cron trigger runs the relay every minute.
  maxRetryMs: 60_000,
});

/**
 * The class behind the binding `LOGS`: it asks Redis for the changes of the invalidation log, for
 * all isolates of a region. With the option `log.groups` it also numbers their invalidations together.
 */
export const RegionLog = createRegionLog({
  now: platform.now,
  sleep,
  createAskRedis(bindings: Bindings, namespace) {
    const store = createStore(readConfig(bindings), namespace);
    const ctx = backgroundContext(() => undefined);
    return async (since, limit) => {
      const answer = await store.sync(since, limit, ctx);
      return answer.ok ? answer.value : undefined;
    };
  },
  createInvalidate(bindings: Bindings, namespace) {
    const store = createStore(readConfig(bindings), namespace);
    const ctx = backgroundContext(() => undefined);
    return async (logKeys) => {
      const answer = await store.invalidate(logKeys, [], ctx);
      return answer.ok ? { seq: answer.value.seq, era: answer.value.era } : undefined;
    };
  },
});

/** The class behind the binding `SLOTS`: it shares the cap on calls of the origin among all isolates. */
export const SlotGrants = createSlotGrants<Bindings>({ now: platform.now });

/** The class behind the binding `LIVE`: it sends the live events of a topic to its listeners. */
export const TopicObject = createTopicObject({
  now: platform.now,
  newId: platform.newId,
  withTimeout,
  createRead(bindings: Bindings, { namespace, topic }) {
    const db = createDatabaseOf(readConfig(bindings));
    return (after, limit) => readEvents(db, { namespace, topic, after, limit });
  },
  createPublish(bindings: Bindings) {
    const { redisUrl: url, redisToken: token, settings } = readConfig(bindings);
    const redis = createRedis({ url, token, timeoutMs: settings.redis.timeoutMs });
    return async (messages) => (await publishAll(redis, messages)).ok;
  },
});

function createDatabaseOf({ databaseUrl, neonEndpoint, settings }: Config): Database {
  return createDatabase({
    databaseUrl,
    ...(neonEndpoint !== undefined && { neonEndpoint }),
    timeoutMs: settings.origin.sqlTimeoutMs,
    now: platform.now,
  });
}

/** The class behind the binding `ANSWERS`: it calls the model, once for all isolates that ask the same. */
export const AnswerObject = createAnswerObject({
  createHost(bindings: Bindings, waitUntil) {
    const config = readConfig(bindings);
    const { model } = config;
    if (model === undefined) throw new Error("LLM_BASE_URL is not set");
    return createAnswerHost({
      ...platform,
      baseUrl: model.baseUrl,
      // Until then, isolates that did not find the answer in Redis can find it.
      recordings: createRecordings({
        ...platform,
        after,
        lingerMs: 10_000,
        waitFor: (change) => change,
      }),
      callModel: (call) => createChatCall(model, call, (url, init) => fetch(url, init)),
      storeOf: (namespace) => createStore(config, namespace),
      after,
      ctx: backgroundContext(waitUntil),
    });
  },
});

function createStore({ settings, redisUrl, redisToken }: Config, namespace: string): SharedStore {
  const { timeoutMs, maxEntryChars, packFromChars } = settings.redis;
  return createRedisStore({
    redis: createRedis({ url: redisUrl, token: redisToken, timeoutMs }),
    namespace,
    newId: platform.newId,
    maxEntryChars,
    packFromChars,
  });
}

/** Runs the relay once. The relay needs no log view, because it only writes to the log and asks for numbers. */
async function runRelay(
  bindings: Bindings,
  { namespace, verifyAfterMs }: { namespace: string; verifyAfterMs: number | undefined },
  waitUntil: (work: Promise<unknown>) => void,
): Promise<RelayRun> {
  const config = readConfig(bindings);
  const { settings } = config;
  const db = createDatabaseOf(config);
  const store = createStore(config, namespace);
  const { fault, nextInMs } = await relay(
    {
      db,
      invalidator: {
        invalidate: (logKeys, ctx) => store.invalidate(logKeys, [], ctx),
        numbers: store.numbers,
      },
      namespace,
      verifyAfterMs: verifyAfterMs ?? settings.outbox.verifyAfterMs,
    },
    backgroundContext(waitUntil),
  );
  return { failed: fault !== undefined, nextInMs };
}
