/** The composition root: builds the layer, in order. Add a tier here. */
import { MAX_LIFETIME_MS } from "./core/policy.ts";
import { createContext } from "./core/context.ts";
import type { Context } from "./core/context.ts";
import type { NewId, Random } from "./core/random.ts";
import { readConfig, type Bindings, type Config } from "./config.ts";
import { createAlarmPort } from "./durable/alarm-port.ts";
import { createFlightPort } from "./durable/flight-port.ts";
import { createMetricsPort } from "./durable/metrics-port.ts";
import { alarmStub, flightStub, metricsStub } from "./durable/stubs.ts";
import { createEngineParts } from "./engine/create-engine.ts";
import { createExistence } from "./engine/existence.ts";
import { createInspector } from "./engine/inspect.ts";
import { createWarmer } from "./engine/warm.ts";
import { problem } from "./http/cache/problem.ts";
import type { StrataEnv } from "./http/routes/request-scope.ts";
import { etagOf } from "./http/cache/etag.ts";
import { strata, type Dispatch } from "./http/routes/middleware.ts";
import { createDatabase } from "./origin/neon.ts";
import { apiKeys, parseApiKeys } from "./ratelimit/api-keys.ts";
import { createIdentities } from "./ratelimit/identity.ts";
import { withLedgerBreaker } from "./ratelimit/ledger-breaker.ts";
import { createRateLimits } from "./ratelimit/rate-limits.ts";
import { createRedisLedger } from "./ratelimit/redis-ledger.ts";
import { createRedis } from "./redis/client.ts";
import { createFilterStore } from "./redis/filter-store.ts";
import { createRedisStore } from "./redis/store.ts";
import { createBreaker } from "./resilience/breaker.ts";
import { createBulkhead } from "./resilience/bulkhead.ts";
import { withTimeout } from "./resilience/deadline.ts";
import { withFlightBreaker } from "./resilience/flight-breaker.ts";
import { withBreaker } from "./resilience/store-breaker.ts";
import { withSpans } from "./telemetry/metered-flights.ts";
import { withMeter } from "./telemetry/metered-store.ts";
import { createTelemetry } from "./telemetry/telemetry.ts";
import { createTraced, createTracedFetch } from "./telemetry/traces/traced.ts";
import { createEdgeTier } from "./tiers/edge.ts";
import { createMemoryTier } from "./tiers/memory.ts";
import { createWriteThrough } from "./writes/through.ts";
import { createWriter } from "./writes/writer.ts";
import type { Clock, Millis } from "./core/time.ts";

/** The platform's clock and chance. Tests bring their own. */
export interface Platform {
  readonly now: Clock;
  readonly random: Random;
  readonly newId: NewId;
}

export const platform: Platform = {
  now: () => Date.now(),
  random: () => Math.random(),
  newId: () => crypto.randomUUID(),
};

/** What telemetry does to the world outside. */
export const outside = {
  ...platform,
  fetch: (url: string, init: RequestInit) => fetch(url, init),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
};

export type Strata = ReturnType<typeof createStrata>;

/**
 * Everything one isolate needs, built from its bindings.
 *
 * @throws {ConfigError} that lists every variable that is missing or malformed.
 */
export function createStrata(bindings: Bindings, { now, random, newId }: Platform = platform) {
  const config = readConfig(bindings);

  // Tiers, nearest first.
  const memory = createMemoryTier({
    maxBytes: config.memoryMaxBytes,
    maxEntries: config.memoryMaxEntries,
    maxEntryBytes: config.memoryMaxEntryBytes,
    onRefuse: (key) =>
      telemetry.observe({ type: "entry.reject", key, tier: "memory", reason: "too-big" }),
  });
  const edge = createEdgeTier({
    open: () => caches.open(config.namespace),
    timeoutMs: config.edgeTimeoutMs,
    maxEntryChars: config.edgeMaxEntryChars,
    withTimeout,
  });
  const { redis, breaker } = createRedisWithBreaker(config, config.redisTimeoutMs);
  const store = withBreaker(
    withMeter(
      createRedisStore({
        redis,
        namespace: config.namespace,
        newId,
        maxEntryChars: config.redisMaxEntryChars,
        packFromChars: config.redisPackFromChars,
      }),
    ),
    breaker,
  );

  // Telemetry, which all of it reports to.
  const metricsObjects =
    bindings.METRICS &&
    createMetricsPort({
      stub: (name) => metricsStub(bindings.METRICS, name),
      namespace: config.namespace,
      shards: config.metricsShards,
      timeoutMs: config.metricsTimeoutMs,
      withTimeout,
    });
  const telemetry = createTelemetry({
    ...outside,
    settings: config.telemetry,
    warnings: config.telemetryWarnings,
    metrics: metricsObjects,
    memory: memory.stats,
    flushMs: config.telemetryFlushMs,
    now,
    random,
    newId,
    // oxlint-disable-next-line no-console -- the platform's logs are what is written to the console
    print: (line) => console.log(line),
  });

  // The engine over them.
  const flights = withSpans(
    withFlightBreaker(
      createFlightPort({
        stub: (name, region) => flightStub(bindings.FLIGHTS, name, region),
        namespace: config.namespace,
        shards: config.flightShards,
        grantMs: config.flightGrantMs,
        slackMs: config.flightSlackMs,
        withTimeout,
      }),
      createBreaker({
        dependency: "flight",
        failures: config.breakerFailures,
        openMs: config.breakerOpenMs,
      }),
    ),
  );
  const { coherence, engine, batch } = createEngineParts({
    memory,
    edge,
    store,
    flights,
    slots: createBulkhead({ slots: config.originSlots, now }),
    withTimeout,
    random,
    storeTimeoutMs: config.redisTimeoutMs,
    maxLandingChars: config.redisMaxEntryChars,
  });
  const warmer = createWarmer({ store, coherence, withTimeout, random });
  const existence = createExistence({
    filters: createFilterStore(redis, config.namespace),
    store,
    coherence,
    rate: config.existenceRate,
    coherenceMs: config.existenceCoherenceMs,
    rebuildMs: config.existenceRebuildMs,
    maxAgeMs: config.existenceMaxAgeMs,
    reloadMs: config.existenceReloadMs,
  });

  // The origin and its writers.
  const db = createDatabase({
    databaseUrl: config.databaseUrl,
    ...(config.neonEndpoint !== undefined && { neonEndpoint: config.neonEndpoint }),
    timeoutMs: config.sqlTimeoutMs,
    now,
    onQuery: telemetry.observeSql,
  });
  const through = createWriteThrough({ engine, etagOf });
  const { OUTBOX } = bindings;
  const alarm =
    OUTBOX &&
    createAlarmPort({
      stub: (name) => alarmStub(OUTBOX, name),
      namespace: config.namespace,
      timeoutMs: config.alarmTimeoutMs,
      withTimeout,
    });
  const writer = createWriter({
    db,
    invalidator: coherence,
    namespace: config.namespace,
    verifyAfterMs: config.verifyAfterMs,
    through,
    ...(alarm && { alarm }),
  });
  coherence.onRecovery((ctx) => writer.relay(ctx));

  // Rate limits: a client and a breaker of their own, so that a limit never trips the cache.
  const limiter = createRedisWithBreaker(config, config.limitTimeoutMs);
  const { namespace } = config;
  const rateLimits = createRateLimits<StrataEnv>({
    scopeOf: (c) => c.get("strata"),
    ledgerOf: (algorithm) =>
      withLedgerBreaker(
        createRedisLedger({ redis: limiter.redis, namespace, algorithm, newId }),
        limiter.breaker,
      ),
    identities: createIdentities({
      addressHeader: config.clientAddressHeader,
      localIsFree: config.dev,
      users: [apiKeys({ users: parseApiKeys(config.apiKeys), acceptAny: config.dev })],
    }),
    respond: problem,
    withTimeout,
    timeoutMs: config.limitTimeoutMs,
    maxAccounts: config.limitMaxAccounts,
  });

  /** Gives requests their scope; `dispatch` runs one again, in the background. */
  const middleware = (dispatch: Dispatch) =>
    strata({ engine, batch, warmer, now, observer: telemetry.observer, dispatch });

  /** Asks the log anew; establishes it where there is none. */
  const logReachable = async (ctx: Context): Promise<boolean> =>
    (await coherence.ensureCurrent(ctx.now(), 0, ctx)) === "current";

  /** What the cron trigger does: finish what writes left, forget what is too old. */
  async function scheduled(ctx: Context): Promise<void> {
    await writer.relay(ctx);
    await store.trim(MAX_LIFETIME_MS + config.trimSlackMs, ctx);
    await existence.buildAll(ctx);
  }

  const traced = createTraced(telemetry, now);
  return {
    config,
    middleware,
    db,
    writer,
    logReachable,
    scheduled,
    engine,
    batch,
    warmer,
    existence,
    coherence,
    store,
    memory,
    metrics: telemetry.metrics,
    inspect: createInspector({ memory, edge, store, coherence }),
    rateLimits,
    traced,
    tracedFetch: createTracedFetch(traced, (url, init) => fetch(url, init)),
  };
}

function createRedisWithBreaker(config: Config, timeoutMs: Millis) {
  const { redisUrl: url, redisToken: token, breakerFailures: failures, breakerOpenMs } = config;
  return {
    redis: createRedis({ url, token, timeoutMs }),
    breaker: createBreaker({ dependency: "redis", failures, openMs: breakerOpenMs }),
  };
}

/** A context for work that no request asked for. */
export function backgroundContext(waitUntil: (work: Promise<unknown>) => void): Context {
  const { now } = platform;
  return createContext({
    now,
    host: "background.invalid",
    region: "local",
    waitUntil,
    emit: () => undefined,
  });
}
