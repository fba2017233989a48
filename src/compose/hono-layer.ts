/** Gives a Hono application the scope of the data cache, for cached routes and for reads in handlers. */
import type { Hono, MiddlewareHandler } from "hono";
import type { Context } from "../core/context.ts";
import { ALL_HEADERS } from "../core/header-families.ts";
import type { RequestObserver } from "../core/request-observer.ts";
import type { Millis } from "../core/time.ts";
import type { Strata } from "../data/strata.ts";
import { createProxyLimits, MAX_ORIGINS } from "../http/proxy/proxy-limits.ts";
import { createScopeMiddleware } from "../http/routes/middleware.ts";
import type { StrataEnv } from "../http/routes/request-scope.ts";
import { createBreakerTable } from "../resilience/breaker-table.ts";
import { createBulkhead } from "../resilience/bulkhead.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { dataPartsOf, type DataParts } from "./data-parts.ts";
import { HOST } from "./open-cache.ts";
import { createOriginBreaker, ORIGIN_BREAKER } from "./origin-breaker.ts";

/** The options of `middleware`. */
export interface MiddlewareOptions {
  /**
   * How much the fields of responses tell clients: `all`, `status` (no tiers, dependencies and steps) or
   * `none`.
   * @default "all"
   */
  readonly expose?: "all" | "status" | "none";
  /** Traces of requests: `telemetry(…)` of the entry `strata/telemetry`. @default no traces */
  readonly telemetry?: DataTelemetry;
}

/** Opens the observer of the requests of one isolate. */
export interface DataTelemetry {
  open(parts: DataParts): RequestObserver | undefined;
}

/** The slots of the proxy for each origin, and the longest wait for one. */
const PROXY_SLOTS = 128;
const PROXY_WAIT_MS: Millis = 1_000;
/** An eighth of an isolate's 128 MiB. */
const PROXY_BYTES = 16 * 2 ** 20;
/**
 * Makes the middleware that gives each request its scope (`c.var.strata`) and each response its cache
 * fields. Use it before every route. The cache sends requests through `app` again to refresh routes in
 * the background.
 *
 * @example
 * import { Hono } from "hono";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const app = new Hono<StrataEnv>();
 * app.use(middleware(strata, app));
 * app.get("/hello/:name", cached({ freshFor: "5m" }), (c) => c.text(`Hello, ${c.req.param("name")}`));
 */
export function middleware(
  strata: Strata,
  app: Pick<Hono<StrataEnv>, "fetch">,
  { expose = "all", telemetry }: MiddlewareOptions = {},
): MiddlewareHandler<StrataEnv> {
  let built: MiddlewareHandler<StrataEnv> | undefined;

  function build(): MiddlewareHandler<StrataEnv> {
    const parts = dataPartsOf(strata);
    const { engine, batch, warmer, loads, coherence, emit, platform, serializer } = parts;
    return createScopeMiddleware({
      engine,
      batch,
      warmer,
      loads,
      serializer,
      proxyLimits: proxyLimitsOf(parts),
      degradation: {
        level: async (ctx: Context) => (coherence.isAway(ctx.now()) ? "degraded" : "normal"),
      },
      now: platform.now,
      observer: telemetry?.open(parts),
      expose,
      headers: ALL_HEADERS,
      host: HOST,
      onEvent: emit,
      dispatch: async (request, c) => app.fetch(request, c.env, c.executionCtx),
      invalidator: coherence,
    });
  }

  // workerd has no clock while it loads modules, so the parts are built with the first request.
  return (c, next) => (built ??= build())(c, next);
}

function proxyLimitsOf({ emit, platform: { now, random } }: DataParts) {
  const createBreakerFor = (callTimeoutMs: Millis) =>
    createOriginBreaker({ name: "http", callTimeoutMs, now, random, onChange: emit });
  return createProxyLimits({
    createSlots: () =>
      createBulkhead({
        slots: PROXY_SLOTS,
        slotsPerClient: PROXY_SLOTS / 2,
        slotWaitMs: PROXY_WAIT_MS,
        withTimeout,
        now,
        random,
      }),
    breakers: createBreakerTable(createBreakerFor, MAX_ORIGINS),
    breakerWindowMs: ORIGIN_BREAKER.windowMs,
    now,
    slotWaitMs: PROXY_WAIT_MS,
    maxBytesInFlight: PROXY_BYTES,
  });
}
