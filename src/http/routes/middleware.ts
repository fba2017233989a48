import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Context } from "../../core/context.ts";
import type { Degradation } from "../../core/degradation.ts";
import type { DegradationLevel } from "../../core/degradation-level.ts";
import type { DataReader } from "../../core/data-reader.ts";
import type { FieldNames, HeaderFamilies } from "../../core/header-families.ts";
import type { CacheEvent, UnkeyedRead } from "../../core/events.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { RequestObserver } from "../../core/request-observer.ts";
import type { Batch } from "../../engine/lookup-many.ts";
import type { Warmer } from "../../engine/warm.ts";
import type { Engine } from "../../engine/engine.ts";
import { createReader } from "../../engine/reader.ts";
import type { Serializer } from "../../core/serializer.ts";
import type { RunningLoads } from "../../engine/running-loads.ts";
import {
  cacheStatus,
  plainStatus,
  reportedLookup,
  withMark,
  withoutDetail,
  type CacheStatusFields,
} from "../cache/cache-status.ts";
import { etagOf } from "../../core/etag.ts";
import {
  createRetryingInvalidate,
  type RecoveringInvalidator,
} from "../../engine/invalidation-retry.ts";
import type { ProxyLimits } from "../proxy/proxy-limits.ts";
import {
  changeFields,
  dropFieldsOfReplaced,
  keepCookiesPrivate,
  sendSessionCookies,
} from "./answer.ts";
import { RequestContext } from "./request-context.ts";
import type { InternalScope, Refreshing, RequestScope, StrataEnv } from "./request-scope.ts";
import { stepTimings, type StepEnd } from "./server-timing.ts";
import type { Clock, Millis } from "../../core/time.ts";

/** Sends a request to the application again, in the background. */
export type Dispatch = (request: Request, c: HonoContext<StrataEnv>) => Promise<Response>;

export interface ScopeMiddlewareOptions {
  readonly engine: Engine;
  readonly batch: Batch;
  readonly warmer: Warmer;
  readonly loads: RunningLoads;
  /** Writes and reads the texts of values. Default: JSON. */
  readonly serializer?: Serializer;
  readonly proxyLimits: ProxyLimits;
  readonly degradation: Pick<Degradation, "level">;
  readonly now: Clock;
  /** The observer of every request. Undefined if telemetry is off. */
  readonly observer: RequestObserver | undefined;
  /**
   * How much response fields tell clients: `all`, `status` (no tiers, dependencies and steps) or `none`.
   */
  readonly expose: "all" | "status" | "none";
  readonly headers: HeaderFamilies;
  readonly dispatch: Dispatch;
  /** Invalidates entries in all isolates. */
  readonly invalidator: RecoveringInvalidator;
  /** The host in the URLs of the edge tier. Default: the host of each request. */
  readonly host?: string;
  /** Called with each event of the cache that is not the end of a step. Default: no call. */
  readonly onEvent?: (event: CacheEvent) => void;
  /** Called with each read of a part that a route's key does not name. Development prints it. */
  readonly onUnkeyedRead?: ((event: UnkeyedRead) => void) | undefined;
}

/**
 * The requests that refresh an entry. They are recognised as objects, so no client can send a
 * request that looks like one.
 */
const refreshes = new WeakMap<Request, Refreshing>();

/** The symbol under which the internal scope is stored. Handlers do not have this symbol. */
const INTERNAL = Symbol("strata internal scope");

/**
 * The object in `c.var.strata`. The getter is on a class: V8 would give each object with a getter of
 * its own a hidden class, which keeps all that the getter sees until the next full collection.
 */
class ScopeWithInternals implements RequestScope {
  readonly ctx: Context;
  readonly tag: RequestScope["tag"];
  readonly [INTERNAL]: InternalScope;
  readonly #readerOf: (internal: InternalScope) => DataReader;
  #reader: DataReader | undefined;

  constructor(internal: InternalScope, readerOf: (internal: InternalScope) => DataReader) {
    this.ctx = internal.ctx;
    this.tag = (...tags) => internal.collector?.tag(...tags);
    this[INTERNAL] = internal;
    this.#readerOf = readerOf;
  }

  level(): Promise<DegradationLevel> {
    const { degradation, ctx } = this[INTERNAL];
    return degradation.level(ctx);
  }

  /** The reader of data. A hit of a cached route reads no data, so it is created on first use. */
  get cache(): DataReader {
    return (this.#reader ??= this.#readerOf(this[INTERNAL]));
  }
}

/** Returns the state that the layer keeps for the request. */
export function internalScopeOf(c: HonoContext<StrataEnv>): InternalScope {
  return (c.get("strata") as ScopeWithInternals)[INTERNAL];
}

/**
 * Creates the middleware that gives each request its scope, `c.var.strata`. It also gives each
 * response the header fields that say which tier answered and how long the answer took.
 */
export function createScopeMiddleware(
  options: ScopeMiddlewareOptions,
): MiddlewareHandler<StrataEnv> {
  const { engine, batch, warmer, loads, proxyLimits, now, observer, expose } = options;
  const { dispatch, onUnkeyedRead, degradation, onEvent, serializer, headers: sent } = options;
  const invalidate = createRetryingInvalidate(options.invalidator, "n:");

  function readerOf(internal: InternalScope): DataReader {
    const onLookup = (lookup: Lookup): void => {
      if (internal.collector === undefined) internal.lookups.push(lookup);
      else internal.collector.include(lookup);
    };
    const parts = { engine, batch, warmer, loads, etagOf, onLookup };
    return createReader(serializer === undefined ? parts : { ...parts, serializer }, internal.ctx);
  }

  return async (c, next) => {
    const startedAt = now();
    const request = c.req.raw;
    const { url } = request;
    const steps: StepEnd[] = [];
    const refreshing = refreshes.get(request);
    const background = refreshing !== undefined;
    const observation = observer?.begin({ request, url, startedAt, background });
    const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
    const ctx =
      refreshing?.ctx ??
      new RequestContext({
        now,
        host: options.host ?? hostOf(url),
        region: () => regionOf(request.cf),
        waitUntil,
        emit: (event) => {
          if (event.type === "step.end") steps.push(event);
          else if (event.type === "route.unkeyed") onUnkeyedRead?.(event);
          observer?.observe(event, observation);
          onEvent?.(event);
        },
        child: () => observer?.child(observation),
        hasLeft: () => request.signal.aborted,
      });
    const internal: InternalScope = {
      ctx,
      engine,
      loads,
      proxyLimits,
      degradation,
      collector: undefined,
      route: undefined,
      routeError: undefined,
      outerFields: undefined,
      cacheStatusOverride: undefined,
      sessionCookies: undefined,
      lookups: [],
      limited: false,
      refreshing,
      async redispatch(key) {
        const marker: Refreshing = { ctx, key, result: undefined };
        // The client's fields and `cf` go along, so that the refresh has the same key and passes
        // the same guards. The handler sees no more of them than in any other run.
        const { headers, cf } = request;
        const refresh = new Request(url, { headers, ...(cf && { cf: { ...cf } }) });
        refreshes.set(refresh, marker);
        const response = await dispatch(refresh, c);
        await response.body?.cancel();
        if (marker.result === undefined) throw new Error(`a refresh answered ${response.status}`);
        return marker.result;
      },
      end(entry) {
        engine.discard(entry, ctx);
        ctx.defer(invalidate([`k:${entry.key}`], ctx));
      },
    };
    c.set("strata", new ScopeWithInternals(internal, readerOf));
    await (observer === undefined ? next() : observer.run(observation, next));
    const at = now();
    const { status } = c.res;
    const tookMs = at - startedAt;
    const traceparent =
      observer &&
      observer.end(
        observation,
        { at, status, route: routePath(c), limited: internal.limited },
        waitUntil,
      );
    if (c.error !== undefined && c.error !== internal.routeError) endReplaced(c, internal);
    if (internal.sessionCookies !== undefined) sendSessionCookies(c, internal);
    const isDetailed = expose === "all";
    const isShown = expose !== "none";
    const fields: OwnFields = {
      cache: isShown ? cacheOf(internal, status, isDetailed) : undefined,
      timing: isShown && sent.timing ? timingOf(isDetailed ? steps : NO_STEPS, tookMs) : undefined,
      tookMs,
      traceparent: sent.trace ? traceparent : undefined,
    };
    try {
      writeFields(c.res.headers, fields, sent.cacheStatus);
    } catch {
      // The fields of this response are immutable.
      changeFields(c, (headers) => writeFields(headers, fields, sent.cacheStatus));
    }
    if (internal.route !== undefined) keepCookiesPrivate(c.res.headers);
  };
}

/** Returns the cache fields of the response, with or without their detail. */
function cacheOf(
  scope: InternalScope,
  status: number,
  isDetailed: boolean,
): CacheStatusFields | undefined {
  const cache = scope.cacheStatusOverride ?? statusOf(scope, status);
  return isDetailed ? cache : withoutDetail(cache);
}

/** Returns the value of `Server-Timing`. A memory hit has no steps, so the total is its only member. */
function timingOf(steps: readonly StepEnd[], tookMs: Millis): string {
  const total = `total;dur=${tookMs}`;
  return steps.length === 0 ? total : `${stepTimings(steps)}, ${total}`;
}

/** Leaves an error without the fields of the answer that it replaced, for example after `next()`. */
function endReplaced(c: HonoContext<StrataEnv>, { route }: InternalScope): void {
  const stored = route?.entry?.http?.headers.map(([name]) => name);
  changeFields(c, (headers) => {
    dropFieldsOfReplaced(headers, stored);
    headers.set("Cache-Control", "no-store");
  });
}

const NO_STEPS: readonly StepEnd[] = [];

/** The fields that the scope adds to a response. Those that are undefined are not sent. */
interface OwnFields {
  readonly cache: CacheStatusFields | undefined;
  readonly timing: string | undefined;
  readonly tookMs: Millis;
  readonly traceparent: string | undefined;
}

function writeFields(
  headers: Headers,
  { cache, timing, tookMs, traceparent }: OwnFields,
  names: FieldNames,
): void {
  if (cache !== undefined) {
    // The field is appended, because caches nearer to the origin may have added their members
    // already (RFC 9211, 2).
    if (names !== "x") headers.append("Cache-Status", cache.member);
    if (names !== "ietf") headers.set("X-Cache-Status", cache.plain);
  }
  if (timing !== undefined) {
    headers.append("Server-Timing", timing);
    headers.set("X-Response-Time", `${tookMs}ms`);
  }
  if (traceparent !== undefined) headers.set("traceparent", traceparent);
}

function statusOf(scope: InternalScope, status: number): CacheStatusFields | undefined {
  const lookup =
    scope.route === undefined
      ? reportedLookup(scope.lookups)
      : withMark(scope.route, scope.lookups);
  if (lookup === undefined) return undefined;
  return { member: cacheStatus(lookup, status, scope.ctx.now()), plain: plainStatus(lookup) };
}

/** Returns the host of a request's URL. The platform normalises the URL, so a path always follows. */
function hostOf(url: string): string {
  const start = url.indexOf("//") + 2;
  return url.slice(start, url.indexOf("/", start));
}

/** Returns the client's continent, from which a location hint is made; `local` under miniflare. */
function regionOf(cf: CfProperties | undefined): string {
  const continent = cf?.["continent"];
  return typeof continent === "string" ? continent.toLowerCase() : "local";
}
