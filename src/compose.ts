/** The composition root. It builds the layer step by step. A new tier is added in this file. */
import type { Context } from "./core/context.ts";
import { readConfig } from "./config.ts";
import type { Settings } from "./config/settings.ts";
import type { StrataOptions } from "./config/options.ts";
import type { Bindings } from "./config/variables.ts";
import { composeAlarm } from "./compose-alarm.ts";
import { composeLogShares } from "./compose-log-shares.ts";
import { composeMessages } from "./compose-messages.ts";
import { createFlightPort } from "./durable/flight-port.ts";
import { createMetricsPort } from "./durable/metrics-port.ts";
import { flightStub, metricsStub } from "./durable/stubs.ts";
import { createEngineParts } from "./engine/create-engine.ts";
import { createExistence } from "./engine/existence.ts";
import { createInspector } from "./engine/inspect.ts";
import { createWarmer } from "./engine/warm.ts";
import { answerWith, changeFields } from "./http/routes/answer.ts";
import { outerFieldsOf } from "./http/routes/outer-fields.ts";
import { problem } from "./http/cache/problem.ts";
import { createProxyLimits } from "./http/proxy/proxy-limits.ts";
import type { StrataEnv } from "./http/routes/request-scope.ts";
import { etagOf } from "./http/cache/etag.ts";
import { createScopeMiddleware, internalScopeOf } from "./http/routes/middleware.ts";
import { withInternals } from "./internals.ts";
import { createDatabase } from "./origin/neon.ts";
import { exporterPlatform, newHashKey, platform, type Platform } from "./platform.ts";
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
import type { Strata } from "./strata.ts";
import { createTelemetry } from "./telemetry/telemetry.ts";
import { createUnkeyedNotices } from "./telemetry/unkeyed-notices.ts";
import { createTraced, createTracedFetch } from "./telemetry/traces/traced.ts";
import { createEdgeTier } from "./tiers/edge.ts";
import { createEviction } from "./tiers/eviction/choice.ts";
import { createMemoryTier } from "./tiers/memory.ts";
import { createWriteThrough } from "./writes/through.ts";
import { createWriter } from "./writes/writer.ts";
import type { Millis } from "./core/time.ts";

/**
 * Creates the layer of one isolate: tiers, engine, writer, rate limits and telemetry. Create the
 * layer at the first request and keep it, because it holds the memory tier and the log view.
 *
 * @throws {ConfigError} that lists every variable and option that is missing or wrong.
 * @example
 * import { Hono } from "hono";
 *
 * function build(env: Bindings) {
 *   const app = new Hono<StrataEnv>();
 *   const strata = createStrata(env, { memory: { maxBytes: 16 * 2 ** 20 } });
 *   app.use(strata.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
 *   app.get("/hello/:name", cached({ freshFor: "5m" }), (c) => c.text(`Hello, ${c.req.param("name")}`));
 *   return app;
 * }
 */
export function createStrata(env: Bindings, options: StrataOptions = {}): Strata {
  return createLayer(env, options, platform);
}

/**
 * Does the same as `createStrata`, but takes the clock and the source of randomness as an argument.
 * Tests call it.
 */
export function createLayer(
  bindings: Bindings,
  options: StrataOptions,
  { now, random, newId }: Platform,
): Strata {
  const config = readConfig(bindings, options);
  const { namespace, settings } = config;

  // Creates the tiers, from the nearest to the farthest.
  const memory = createMemoryTier({
    ...settings.memory,
    eviction: createEviction(settings.memory.eviction, random),
    onRefuse: (key) =>
      telemetry.observe({ type: "entry.reject", key, tier: "memory", reason: "too-big" }),
  });
  const edge = createEdgeTier({
    open: () => caches.open(namespace),
    timeoutMs: settings.edge.timeoutMs,
    maxEntryChars: settings.edge.maxEntryChars,
    withTimeout,
  });
  const { redis, breaker } = createRedisWithBreaker(settings.redis.timeoutMs);
  const store = withBreaker(
    withMeter(
      createRedisStore({
        redis,
        namespace,
        newId,
        maxEntryChars: settings.redis.maxEntryChars,
        packFromChars: settings.redis.packFromChars,
      }),
    ),
    breaker,
  );

  // Creates telemetry. Every part of the layer reports to it.
  const metricsObjects =
    bindings.METRICS &&
    createMetricsPort({
      stub: (name) => metricsStub(bindings.METRICS, name),
      namespace,
      shards: settings.metrics.shards,
      timeoutMs: settings.metrics.timeoutMs,
      withTimeout,
    });
  // oxlint-disable-next-line no-console -- the console is the platform's log
  const print = (line: string): void => console.log(line);
  const telemetry = createTelemetry({
    ...exporterPlatform,
    settings: config.telemetry,
    warnings: config.telemetryWarnings,
    metrics: metricsObjects,
    memory: memory.stats,
    flushMs: settings.telemetry.flushEveryMs,
    now,
    random,
    newId,
    print,
  });

  // Creates the engine, which uses the tiers and telemetry.
  const flights = withSpans(
    withFlightBreaker(
      createFlightPort({
        stub: (name, region) => flightStub(bindings.FLIGHTS, name, region),
        namespace,
        shards: settings.flights.shards,
        grantMs: settings.flights.grantTimeoutMs,
        slackMs: settings.flights.slackMs,
        withTimeout,
      }),
      createBreaker({ dependency: "flight", ...breakerOptions(settings) }),
    ),
  );
  const { coherence, engine, batch, loads, callOrigin } = createEngineParts({
    memory,
    edge,
    store,
    shares: composeLogShares(bindings, config, random),
    flights,
    slots: createBulkhead({ slots: settings.origin.slots, now }),
    withTimeout,
    random,
    storeTimeoutMs: settings.redis.timeoutMs,
    maxLandingChars: settings.redis.maxEntryChars,
    stepsTimeoutMs:
      settings.edge.timeoutMs + settings.redis.timeoutMs + settings.flights.grantTimeoutMs,
    flightSlackMs: settings.flights.slackMs,
  });
  const warmer = createWarmer({ store, coherence, callOrigin, random });
  const existence = createExistence({
    filters: createFilterStore(redis, namespace),
    store,
    coherence,
    newSeed: newHashKey,
    rate: settings.existence.falsePositiveRate,
    coherenceMs: settings.existence.coherenceMs,
    rebuildMs: settings.existence.rebuildEveryMs,
    maxAgeMs: settings.existence.maxAgeMs,
    reloadMs: settings.existence.reloadEveryMs,
  });

  // Creates the client of the origin and the writers.
  const db = createDatabase({
    databaseUrl: config.databaseUrl,
    ...(config.neonEndpoint !== undefined && { neonEndpoint: config.neonEndpoint }),
    timeoutMs: settings.origin.sqlTimeoutMs,
    now,
    onQuery: telemetry.observeSql,
  });
  const through = createWriteThrough({ engine, etagOf });
  const plainWriter = createWriter({
    db,
    invalidator: coherence,
    namespace,
    verifyAfterMs: settings.outbox.verifyAfterMs,
    originLagMs: settings.outbox.originLagMs,
    through,
    ...composeAlarm(bindings, config),
  });
  coherence.onRecovery((ctx) => plainWriter.relay(ctx));
  const { writer, trimIds, ...messaging } = composeMessages(bindings, config, {
    db,
    writer: plainWriter,
    newId,
    redis,
    guard: breaker.run,
    observeBatch: telemetry.observeBatch,
  });

  // Rate limits have a client and a breaker of their own, so that their failures never open the breaker of the cache.
  const limiter = createRedisWithBreaker(settings.limits.timeoutMs);
  const rateLimits = createRateLimits<StrataEnv>({
    scopeOf: internalScopeOf,
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
    answers: { changeFields, outerFieldsOf, answerWith },
    withTimeout,
    timeoutMs: settings.limits.timeoutMs,
    maxAccounts: settings.limits.maxAccounts,
  });

  /** Does the work of the cron trigger. */
  async function scheduled(ctx: Context): Promise<void> {
    await writer.relay(ctx);
    const { keepForMs, trimSlackMs, maxKeys } = settings.log;
    await store.trim(keepForMs + trimSlackMs, maxKeys, ctx);
    await trimIds(ctx);
    await existence.buildAll(ctx);
  }

  // The proxy has slots of its own, so that an origin that hangs does not stop the reads of the database.
  const { slots } = settings.proxy;
  const proxyLimits = createProxyLimits({
    createSlots: () => createBulkhead({ slots, slotsPerClient: Math.ceil(slots / 2), now }),
    slotWaitMs: settings.proxy.slotWaitMs,
    maxBytesInFlight: settings.proxy.maxBytesInFlight,
  });

  const onUnkeyedRead = config.dev ? createUnkeyedNotices(print) : undefined;
  const traced = createTraced(telemetry, now);
  const strata: Strata = {
    config,
    middleware: (dispatch) =>
      createScopeMiddleware({
        engine,
        batch,
        warmer,
        loads,
        proxyLimits,
        now,
        observer: telemetry.observer,
        expose: config.expose,
        dispatch,
        invalidator: coherence,
        onUnkeyedRead,
      }),
    rateLimits,
    writer,
    through,
    db,
    existence,
    invalidator: coherence,
    coherence,
    inspect: createInspector({ memory, edge, store, coherence }),
    metrics: telemetry.metrics,
    traced,
    tracedFetch: createTracedFetch({
      traced,
      settings: config.telemetry,
      fetch: (url, init) => fetch(url, init),
    }),
    ...messaging,
    logReachable: async (ctx) => (await coherence.ensureCurrent(ctx.now(), 0, ctx)) === "current",
    scheduled,
  };
  return withInternals(strata, { engine, batch, warmer, loads, coherence, store, memory });

  function createRedisWithBreaker(timeoutMs: Millis) {
    return {
      redis: createRedis({ url: config.redisUrl, token: config.redisToken, timeoutMs }),
      breaker: createBreaker({ dependency: "redis", ...breakerOptions(settings) }),
    };
  }
}

function breakerOptions({ breaker }: Settings) {
  return { failures: breaker.failures, openMs: breaker.openForMs };
}
