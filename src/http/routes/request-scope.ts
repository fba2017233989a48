/** The scope of one request: a part that handlers use, and a part that only the layer uses. */
import type { Entry, LoadResult } from "../../core/entry.ts";
import type { Context } from "../../core/context.ts";
import type { Degradation } from "../../core/degradation.ts";
import type { DegradationLevel } from "../../core/degradation-level.ts";
import type { DataReader } from "../../core/data-reader.ts";
import type { RunningLoads } from "../../engine/running-loads.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { DependencyCollector } from "../../engine/dependency-collector.ts";
import type { Engine } from "../../engine/engine.ts";
import type { CacheStatusFields } from "../cache/cache-status.ts";
import type { ProxyLimits } from "../proxy/proxy-limits.ts";

/**
 * The scope of a request, `c.var.strata`: a handler reads data and adds tags with it.
 *
 * @example
 * app.get("/users/:id", async (c) => {
 *   const users = definePolicy({ freshFor: "10m" });
 *   const { cache } = c.var.strata;
 *   const user = await cache.read(key("user", c.req.param("id")), users, async (load) => {
 *     load.tag("users");
 *     return { name: "Ada" };
 *   });
 *   return respond(c, user);
 * });
 */
export interface RequestScope {
  /** The context of the request, for `writer.mutate`, `writer.purge` and `inspect`. */
  readonly ctx: Context;
  /** Reads data inside a handler. A cached route takes over the tags and lifetimes of such reads. */
  readonly cache: DataReader;
  /** Returns the level of service of this isolate. */
  level(): Promise<DegradationLevel>;
  /** Adds tags to the entry that the route's load is about to store. */
  tag(...tags: readonly string[]): void;
}

/** The state that the layer keeps for one request. `internalScopeOf` of middleware.ts returns it. */
export interface InternalScope {
  readonly ctx: Context;
  readonly engine: Engine;
  readonly loads: RunningLoads;
  readonly proxyLimits: ProxyLimits;
  readonly degradation: Pick<Degradation, "level">;
  /** The collector of the load that runs in this request; undefined if none runs. */
  collector: DependencyCollector | undefined;
  /** The data of the background refresh, if this request is one. */
  readonly refreshing: Refreshing | undefined;
  /** The lookup of the cached route. */
  route: Lookup | undefined;
  /** The error that the handler of the cached route threw. Its answer is that of the route. */
  routeError: Error | undefined;
  /** The fields of outer middleware, which are kept here while the handler of the cached route runs. */
  outerFields: Headers | undefined;
  /** The `Cache-Status` of the response, if no lookup describes it. */
  cacheStatusOverride: CacheStatusFields | undefined;
  /** The session cookies that the request has given to its client, in their order. Undefined for none. */
  sessionCookies: GivenCookie[] | undefined;
  /** The lookups of data that the request made outside any cached route. */
  readonly lookups: Lookup[];
  /** True if a rate limit has added its header fields. */
  limited: boolean;
  /** Sends this request to the application again, to load only the entry of its route. */
  redispatch(key: string): Promise<HandlerResult>;
  /** Deletes an entry, also where other isolates hold it. */
  end(entry: Entry): void;
}

/** A session cookie that a handler has given to the client. */
export interface GivenCookie {
  /** The value of the field `Set-Cookie`. */
  readonly field: string;
  /**
   * Ends the session of the cookie. Present if the session is new: a handler that throws after it has started a
   * session has refused the client, so the error carries no cookie and the session ends.
   */
  readonly undo?: () => Promise<unknown>;
}

/** The result of one run of a route's handler. */
export interface HandlerResult {
  readonly loaded: LoadResult;
  /** Whether the response is for one client, so that a stale one for all is not right any more. */
  readonly endsStale: boolean;
}

/**
 * The data of a request that the layer sends to refresh an entry. A client cannot send it, because
 * it exists only inside the isolate.
 */
export interface Refreshing {
  /** The context of the request that started the refresh. The refresh uses the origin slot of that request. */
  readonly ctx: Context;
  readonly key: string;
  result: HandlerResult | undefined;
}

/** The Hono environment of an application on the layer: `new Hono<StrataEnv>()`. */
export interface StrataEnv {
  Variables: {
    /** The cache of the request, as `middleware` sets it. */
    strata: RequestScope;
  };
}
