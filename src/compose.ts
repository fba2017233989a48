/** The composition root. It builds the layer step by step. A new tier is added in this file. */
import { readConfig } from "./config.ts";
import type { StrataOptions } from "./config/options.ts";
import type { Bindings } from "./config/bindings.ts";
import { composeAnswers } from "./compose/answers.ts";
import { composeCallers } from "./compose/callers.ts";
import { composeComparison } from "./compose/comparison.ts";
import { composeCron } from "./compose/cron.ts";
import { composeDegradation, refuseWhenMinimal } from "./compose/degradation.ts";
import { composeExplanations } from "./compose/explanations.ts";
import { composeFlightPort, composeFlights } from "./compose/flights.ts";
import { composeLive } from "./compose/live.ts";
import { composeLogGroups } from "./compose/log-groups.ts";
import { composeWrites } from "./compose/writes.ts";
import { composeAnnouncements, composeLogHearing } from "./compose/log-shares.ts";
import { composeStores } from "./compose/stores.ts";
import { composeServers } from "./compose/servers.ts";
import { composeOriginSlots, composeProxyLimits } from "./compose/slots.ts";
import { composeMessages } from "./compose/messages.ts";
import { composeMetrics } from "./compose/metrics.ts";
import { composeOpenable } from "./compose/open-cache.ts";
import { invalidationIn } from "./core/log.ts";
import { createOpen } from "./data/open.ts";
import { createEngineParts } from "./engine/create-engine.ts";
import { ENTRY_PARTS } from "./engine/entry-parts.ts";
import { flightStepOf } from "./engine/join-flight.ts";
import { createRetryingInvalidate } from "./engine/invalidation-retry.ts";
import { createExistence } from "./engine/existence.ts";
import { createWarmer } from "./engine/warm.ts";
import { createScopeMiddleware } from "./http/routes/middleware.ts";
import { withInternals } from "./internals.ts";
import { createDatabase } from "./origin/neon.ts";
import { keepAlive } from "./keep-alive.ts";
import { exporterPlatform, newHashKey, platform, type Platform } from "./platform.ts";
import { createFilterStore } from "./redis/filter-store.ts";
import { withTimeout } from "./resilience/deadline.ts";
import type { AdminTools, Jobs, Strata } from "./strata.ts";
import { createTelemetry } from "./telemetry/telemetry.ts";
import { createUnkeyedNotices } from "./telemetry/unkeyed-notices.ts";
import { createTraced, createTracedFetch } from "./telemetry/traces/traced.ts";
import { createEviction } from "./tiers/eviction/choice.ts";
import { createMemoryTier } from "./tiers/memory.ts";
import { createEraseEntries } from "./writes/erase.ts";
import { createTakeWriteSlot } from "./writes/write-slot.ts";

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
 * Does the same as `createStrata`, but takes the clock, the timer and the source of randomness as an argument.
 * Tests call it.
 */
export function createLayer(
  bindings: Bindings,
  options: StrataOptions,
  ownPlatform: Platform,
): Strata {
  const { now, random, newId, sleep } = ownPlatform;
  const config = readConfig(bindings, options);
  const { namespace, settings } = config;

  // Creates the tiers, from the nearest to the farthest.
  const memory = createMemoryTier({
    ...settings.memory,
    eviction: createEviction(settings.memory.eviction, random),
    onRefuse: (key) =>
      telemetry.observe({ type: "entry.reject", key, tier: "memory", reason: "too-big" }),
  });
  const flightPort = composeFlightPort(bindings, config);
  const { redis, sqlServer, breakers, ...clients } = composeServers(
    config,
    ownPlatform,
    flightPort,
    (change) => telemetry.observeBreaker(change),
  );
  const { edge, store, flightsOf } = composeStores(config, {
    redis,
    breaker: breakers.redis,
    newId,
    encryption: options.encryption,
  });

  // Creates telemetry. Every part of the layer reports to it.
  // oxlint-disable-next-line no-console -- the console is the platform's log
  const print = (line: string): void => console.log(line);
  const metricsPort = composeMetrics(bindings, config);
  const telemetry = createTelemetry({
    ...exporterPlatform,
    settings: config.telemetry,
    warnings: config.telemetryWarnings,
    reported: metricsPort && {
      metrics: metricsPort,
      memory: memory.stats,
      health: () => degradation.known(now()),
      breakers,
      slots: () => originSlots.stats(),
    },
    peek: memory.peek,
    tokenPrices: { input: config.model?.inputPrice ?? 0, output: config.model?.outputPrice ?? 0 },
    invalidationOf: (entry) => invalidationIn(coherence.view, entry),
    flushMs: settings.telemetry.flushEveryMs,
    now,
    random,
    newId,
    print,
  });

  const originSlots = composeOriginSlots(bindings, config, {
    newId,
    now,
    random,
    isOriginAway: () => breakers.sql.status().state !== "closed",
    onShed: (priority, reason) => telemetry.observe({ type: "slot.refuse", priority, reason }),
  });

  // Creates the engine, which uses the tiers and telemetry.
  const flights = flightsOf(composeFlights(flightPort, breakers.flight));
  const { coherence, engine, batch, loads, callOrigin, stored, ...markers } = createEngineParts({
    memory,
    edge,
    store,
    createHearing: composeLogHearing(bindings, config, { random, sleep }),
    createFlightStep: flightStepOf(flights),
    entries: ENTRY_PARTS,
    slots: originSlots,
    withTimeout,
    random,
    storeTimeoutMs: settings.redis.timeoutMs,
    maxLandingChars: settings.redis.maxEntryChars,
    stepsTimeoutMs:
      settings.edge.timeoutMs + settings.redis.timeoutMs + settings.flights.grantTimeoutMs,
  });
  const direct = composeAnnouncements(bindings, config, coherence);
  const invalidator = composeLogGroups(bindings, config, direct, breakers.log);
  const warmer = createWarmer({ store, coherence, callOrigin, random });
  const invalidate = createRetryingInvalidate(invalidator, "n:");
  const erase = ENTRY_PARTS.createErase({ memory, edge, store });
  const openFor = createOpen({ engine, batch, loads, stored, erase, warmer, invalidate });
  const existence = createExistence({
    filters: createFilterStore(redis, namespace, breakers.redis),
    store,
    coherence,
    newSeed: newHashKey,
    rate: settings.existence.falsePositiveRate,
    coherenceMs: settings.existence.coherenceMs,
    rebuildMs: settings.existence.rebuildEveryMs,
    maxAgeMs: settings.existence.maxAgeMs,
    reloadMs: settings.existence.reloadEveryMs,
    withTimeout,
  });

  // Creates the client of the origin and the writers.
  const db = createDatabase({
    ...sqlServer,
    now,
    onQuery: telemetry.observeSql,
    breaker: breakers.sql,
    keepAlive,
  });
  const degradation = composeDegradation({
    engine,
    coherence,
    db,
    redis,
    config,
    breakers,
    deliveries: { queue: (at) => queueState(at), telemetry: telemetry.state },
    emit: telemetry.observe,
  });
  const { live, delivery } = composeLive(bindings, config, db, random);
  const { writer: plainWriter, through } = composeWrites({
    bindings,
    config,
    db,
    engine,
    invalidator,
    relayInvalidator: direct,
    admit: refuseWhenMinimal(degradation),
    takeSlot: createTakeWriteSlot({
      slots: originSlots,
      isInLoad: () => loads.slot() !== undefined,
      timeoutMs: settings.origin.sqlTimeoutMs,
    }),
    delivery,
  });
  coherence.onRecovery((ctx) => plainWriter.relay(ctx));
  const messaging = composeMessages(bindings, config, {
    db,
    writer: plainWriter,
    platform: ownPlatform,
    redis,
    guard: breakers.redis.run,
    observeBatch: telemetry.observeBatch,
  });

  const { writer, trimIds, queueState, messages, pending, consume, idempotent } = messaging;
  const callers = composeCallers({ ...clients, breakers, config, newId });

  const cron = composeCron({
    config,
    writer,
    store,
    existence,
    trimIds,
    delivery,
    telemetry,
    redis,
    breaker: breakers.redis,
    newId,
    readerOf: openFor,
  });

  const proxyLimits = composeProxyLimits(config, breakers.http, { now, random });
  const onUnkeyedRead = config.dev ? createUnkeyedNotices(print) : undefined;
  const traced = createTraced(telemetry, now);
  const admin: AdminTools = {
    ...composeExplanations({
      tiers: { memory, edge, store, coherence },
      markers,
      notes: telemetry.keyNotes,
      dryRun: { loads, proxyLimits, degradation, now, engine, invalidator },
    }),
    metrics: telemetry.metrics,
    compare: composeComparison(config, telemetry, ownPlatform, keepAlive),
    erase: createEraseEntries({ writer, erase }),
    logReachable: async (ctx) => (await coherence.ensureCurrent(ctx.now(), 0, ctx)) === "current",
  };
  const jobs: Jobs = { messages, pending, consume, cron, scheduled: cron.run };
  const strata: Strata = {
    config,
    ...composeOpenable(() => ({ openFor, now, emit: telemetry.observe, keepAlive })),
    middleware: (dispatch) =>
      createScopeMiddleware({
        engine,
        batch,
        warmer,
        loads,
        proxyLimits,
        degradation,
        now,
        observer: telemetry.observer,
        expose: config.expose,
        headers: config.settings.headers,
        dispatch,
        invalidator,
        onUnkeyedRead,
      }),
    ...callers,
    writer,
    through,
    db,
    existence,
    invalidator,
    coherence: invalidator,
    traced,
    tracedFetch: createTracedFetch({
      traced,
      settings: config.telemetry,
      fetch: (url, init) => fetch(url, init),
    }),
    live,
    degradation,
    idempotent,
    ...composeAnswers(bindings, config, engine, breakers.model, ownPlatform),
    admin,
    ...admin,
    jobs,
    ...jobs,
  };
  const parts = { engine, batch, warmer, loads, coherence, store, memory, breakers };
  return withInternals(strata, parts);
}
