import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { createContext } from "../../core/context.ts";
import type { RequestObserver } from "../../core/request-observer.ts";
import type { Batch } from "../../engine/lookup-many.ts";
import type { Warmer } from "../../engine/warm.ts";
import type { Engine } from "../../engine/lookup.ts";
import { createReader } from "../../engine/reader.ts";
import {
  cacheStatus,
  plainStatus,
  reportedLookup,
  type CacheStatusFields,
} from "../cache/cache-status.ts";
import { etagOf } from "../cache/etag.ts";
import type { Refreshing, RequestScope, StrataEnv } from "./request-scope.ts";
import { serverTiming, type StepEnd } from "./server-timing.ts";
import type { Clock, Millis } from "../../core/time.ts";

/** Runs a request through the application again, in the background. */
export type Dispatch = (request: Request, c: HonoContext<StrataEnv>) => Promise<Response>;

export interface StrataOptions {
  readonly engine: Engine;
  readonly batch: Batch;
  readonly warmer: Warmer;
  readonly now: Clock;
  /** Who sees every request, if anybody does. */
  readonly observer: RequestObserver | undefined;
  readonly dispatch: Dispatch;
}

/** Requests that run for the cache's sake, known by the object itself: no client can pose as one. */
const refreshes = new WeakMap<Request, Refreshing>();

/** Headers that belong to one client or one exchange, and not to a shared entry. */
const PERSONAL = ["authorization", "cookie", "range", "if-none-match", "if-modified-since"];

/**
 * Gives each request its scope, `c.var.strata`, and its answer the headers that
 * say where it came from and how long it took.
 *
 * @example app.use(strata(layer))
 */
export function strata(options: StrataOptions): MiddlewareHandler<StrataEnv> {
  const { engine, batch, warmer, now, observer: watcher, dispatch } = options;

  return async (c, next) => {
    const startedAt = now();
    const request = c.req.raw;
    const { url } = request;
    const steps: StepEnd[] = [];
    const refreshing = refreshes.get(request);
    const background = refreshing !== undefined;
    const notes = watcher?.begin({ request, url, startedAt, background });
    const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
    const ctx =
      refreshing?.ctx ??
      createContext({
        now,
        host: hostOf(url),
        region: regionOf(request.cf),
        waitUntil,
        emit: (event) => {
          if (event.type === "step.end") steps.push(event);
          watcher?.observe(event, notes);
        },
        child: () => watcher?.child(notes),
      });
    const scope: RequestScope = {
      ctx,
      engine,
      collector: undefined,
      route: undefined,
      cacheStatusOverride: undefined,
      lookups: [],
      limited: false,
      refreshing,
      cache: createReader(
        {
          engine,
          batch,
          warmer,
          etagOf,
          onLookup: (lookup) => {
            if (scope.collector === undefined) scope.lookups.push(lookup);
            else scope.collector.include(lookup);
          },
        },
        ctx,
      ),
      tag: (...tags) => scope.collector?.tag(...tags),
      async redispatch(key) {
        const marker: Refreshing = { ctx, key, loaded: undefined };
        const headers = new Headers(c.req.raw.headers);
        for (const name of PERSONAL) headers.delete(name);
        const request = new Request(c.req.url, { headers });
        refreshes.set(request, marker);
        const response = await dispatch(request, c);
        await response.body?.cancel();
        if (marker.loaded === undefined) throw new Error(`a refresh answered ${response.status}`);
        return marker.loaded;
      },
    };
    c.set("strata", scope);
    await (watcher === undefined ? next() : watcher.run(notes, next));
    const at = now();
    const { status } = c.res;
    setHeaders(c, {
      told: scope.cacheStatusOverride ?? tellOf(scope, status),
      timing: serverTiming(steps, at - startedAt),
      tookMs: at - startedAt,
      traceparent: watcher?.end(
        notes,
        { at, status, route: routePath(c), limited: scope.limited },
        waitUntil,
      ),
    });
  };
}

/** What an answer is told of besides. */
interface Telling {
  readonly told: CacheStatusFields | undefined;
  readonly timing: string;
  readonly tookMs: Millis;
  readonly traceparent: string | undefined;
}

function setHeaders(c: HonoContext<StrataEnv>, telling: Telling): void {
  try {
    tell(c.res.headers, telling);
  } catch {
    // Headers from elsewhere cannot be changed. A copy is made only then: it forgets that its body
    // is encoded already.
    c.res = new Response(c.res.body, c.res);
    tell(c.res.headers, telling);
  }
}

function tell(headers: Headers, { told, timing, tookMs, traceparent }: Telling): void {
  if (told !== undefined) {
    // The caches before us have said theirs (RFC 9211, 2).
    headers.append("Cache-Status", told.member);
    headers.set("X-Cache-Status", told.plain);
  }
  headers.append("Server-Timing", timing);
  headers.set("X-Response-Time", `${tookMs}ms`);
  if (traceparent !== undefined) headers.set("traceparent", traceparent);
}

function tellOf(scope: RequestScope, status: number): CacheStatusFields | undefined {
  const lookup = scope.route ?? reportedLookup(scope.lookups);
  if (lookup === undefined) return undefined;
  return { member: cacheStatus(lookup, status, scope.ctx.now()), plain: plainStatus(lookup) };
}

/** The host of a request's URL, which the platform has made: there is always a path behind it. */
function hostOf(url: string): string {
  const start = url.indexOf("//") + 2;
  return url.slice(start, url.indexOf("/", start));
}

/** The continent is the nearest thing to a Durable Object's location hint; one name locally. */
function regionOf(cf: CfProperties | undefined): string {
  const continent = cf?.["continent"];
  return typeof continent === "string" ? continent.toLowerCase() : "local";
}
