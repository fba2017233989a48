/** The Durable Object classes, built; the Worker's main module exports them. */
import { backgroundContext, outside, platform } from "./compose.ts";
import { readConfig, type Bindings } from "./config.ts";
import { createFlightShard } from "./durable/flight-shard.ts";
import { createMetricsShard } from "./durable/metrics-shard.ts";
import { createOutboxAlarm, type RelayRun } from "./durable/outbox-alarm.ts";
import { createDatabase } from "./origin/neon.ts";
import { createRedis } from "./redis/client.ts";
import { createRedisStore } from "./redis/store.ts";
import { createDurableTracer } from "./telemetry/traces/durable-tracer.ts";
import { createPush } from "./telemetry/export/metrics-push.ts";
import { readSettings } from "./telemetry/settings.ts";
import { createTotals } from "./telemetry/metrics/totals.ts";
import { relay } from "./writes/relay.ts";

/** The Durable Object class behind the binding FLIGHTS. */
export const FlightShard = createFlightShard({
  now: platform.now,
  newId: platform.newId,
  lingerMs: 2_000,
  createTracer: (bindings: Bindings) =>
    createDurableTracer({ settings: readSettings(bindings).settings, ...outside }),
});

/** The Durable Object class behind the binding METRICS. */
export const MetricsShard = createMetricsShard({
  now: platform.now,
  createTotals,
  createPush: (bindings: Bindings) =>
    createPush({ settings: readSettings(bindings).settings, ...outside }),
  commitMs: 250,
});

/** The Durable Object class behind the binding OUTBOX. */
export const OutboxAlarm = createOutboxAlarm({
  now: platform.now,
  runRelay,
  retryMs: 1_000,
  // Then the cron trigger is as quick.
  maxRetryMs: 60_000,
});

/** The relay by itself: what it asks the log needs no knowledge that an isolate gathers. */
async function runRelay(
  bindings: Bindings,
  namespace: string,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<RelayRun> {
  const config = readConfig(bindings);
  const db = createDatabase({
    databaseUrl: config.databaseUrl,
    ...(config.neonEndpoint !== undefined && { neonEndpoint: config.neonEndpoint }),
    timeoutMs: config.sqlTimeoutMs,
    now: platform.now,
  });
  const invalidator = createRedisStore({
    redis: createRedis({
      url: config.redisUrl,
      token: config.redisToken,
      timeoutMs: config.redisTimeoutMs,
    }),
    namespace,
    newId: platform.newId,
    maxEntryChars: config.redisMaxEntryChars,
    packFromChars: config.redisPackFromChars,
  });
  const options = { db, invalidator, namespace, verifyAfterMs: config.verifyAfterMs };
  const { fault, nextInMs } = await relay(options, backgroundContext(waitUntil));
  return { failed: fault !== undefined, nextInMs };
}
