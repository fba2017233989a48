/** The middleware `cached()`, which caches the responses of a route. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { toMillis, type Duration } from "../../core/duration.ts";
import type { Entry, LoadResult, Variant } from "../../core/entry.ts";
import { CacheUnavailable } from "../../core/faults.ts";
import type { Lookup } from "../../core/lookup.ts";
import { definePolicy, type PolicyOptions } from "../../core/policy.ts";
import type { Put } from "../../engine/lookup.ts";
import type { LoadTask } from "../../engine/lookup-request.ts";
import { onlyIfCachedProblem } from "../cache/problem.ts";
import { decideReuse } from "../cache/reuse-decision.ts";
import { NOT_STORED } from "../cache/storage-decision.ts";
import { storeVariant, type VariantTarget } from "../cache/store-variant.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { NO_REQUEST_DIRECTIVES, requestControlOf } from "../rfc/request-control.ts";
import { partsNamedByFunction } from "./key-function.ts";
import type { KeyFunction } from "./key-reads.ts";
import { internalScopeOf } from "./middleware.ts";
import { partsNamedByRules } from "./named-parts.ts";
import { replaceResponse, unkeyedStatus } from "./private-answer.ts";
import type { HandlerResult, StrataEnv } from "./request-scope.ts";
import { CLIENT_CACHE_CONTROL, respondWithEntry } from "./respond.ts";
import {
  answerFromHandler,
  loadFromHandler,
  type HandlerCall,
  type RouteDefinition,
} from "./run-handler.ts";
import { createRouteKeys, type KeyRules, type KeySource } from "./route-key.ts";

/** The options of `cached`: a policy, and the rules of one route. Only `freshFor` is required. */
export interface CachedOptions extends Omit<PolicyOptions, "tags"> {
  /**
   * The entry's key, or the rules by which it is made from the request. Default: the scheme, the
   * host, the path, and the query with its parameters sorted. The handler sees the parts of the
   * request that the key names, and none of the others. A function names what it reads, and always
   * returns the same key for the same request.
   */
  readonly key?: KeyFunction | KeyRules;
  /**
   * The variables of the Hono context that are the same for every client, such as a database client.
   * Default none. The handler may read them. If it reads another variable that neither the key nor
   * this list names, the response is private.
   */
  readonly shared?: readonly string[];
  /**
   * Whether the response may show data of any tenant to every client, for example the offers of all
   * shops. Default false: a read of a tenant's data makes the response private if the key does not
   * name the tenant.
   */
  readonly sharesTenants?: boolean;
  /** Tags with which the response can be purged. The handler can add more with `c.var.strata.tag()`. Default none. */
  readonly tags?: readonly string[] | ((c: HonoContext<StrataEnv>) => readonly string[]);
  /**
   * The longest time for which a client may use its copy without revalidation. Default 0, because a
   * purge does not reach that copy.
   */
  readonly clientMaxAge?: Duration;
  /**
   * Whether the route obeys request directives such as `no-cache`, `max-age` and `only-if-cached`
   * (RFC 9111, 5.2.1). Default false, because with them clients decide how often the origin is
   * asked.
   */
  readonly requestDirectives?: boolean;
}

/**
 * Caches a route's responses in every tier. It applies to GET and HEAD; requests with other methods
 * go to the handler. Put it after the route's own validation, so that no invalid request becomes a
 * key. The response's own directives take precedence. The options apply if the response states no
 * freshness. Each variant that the response's Vary makes is stored separately.
 *
 * @throws {DefinitionError} where the route is defined, if an option is wrong. It names the option.
 * @example
 * app.get(
 *   "/products/:id",
 *   cached({ freshFor: "1h", staleIfError: "1d", tags: (c) => [`product:${c.req.param("id")}`] }),
 *   async (c) => c.json({ id: c.req.param("id") }),
 * );
 */
export function cached(options: CachedOptions): MiddlewareHandler<StrataEnv> {
  const {
    key: keyOption = {},
    shared = [],
    sharesTenants = false,
    tags,
    clientMaxAge,
    requestDirectives = false,
    ...policyOptions
  } = options;
  const fixedTags = typeof tags === "function" ? [] : (tags ?? []);
  const policy = definePolicy({ ...policyOptions, tags: fixedTags });
  const rules = typeof keyOption === "function" ? {} : keyOption;
  const routeKeys = createRouteKeys(rules);
  const keyOf =
    typeof keyOption === "function"
      ? keyOption
      : (c: HonoContext<StrataEnv>) => routeKeys(keySourceOf(c));
  const partsOf =
    typeof keyOption === "function"
      ? (c: HonoContext<StrataEnv>, primary: string) => partsNamedByFunction(c, keyOption, primary)
      : (c: HonoContext<StrataEnv>) => partsNamedByRules(keySourceOf(c), rules);
  const route: RouteDefinition = {
    policy,
    tagsOf: typeof tags === "function" ? tags : () => [],
    partsOf,
    shared: new Set(shared),
    sharesTenants,
    keyedFields: new Set(rules.headers?.map((name) => name.toLowerCase())),
    definedAt: callerOf(new Error("cached() is called here")),
  };
  const clientControl =
    clientMaxAge === undefined
      ? CLIENT_CACHE_CONTROL
      : `max-age=${Math.floor(toMillis(clientMaxAge, "clientMaxAge") / 1000)}`;

  return async function cachedRoute(c, next) {
    const request = c.req.raw;
    if (request.method !== "GET" && request.method !== "HEAD") return next();
    const scope = internalScopeOf(c);
    const primary = await keyOf(c);
    const control = requestDirectives ? requestControlOf(request.headers) : NO_REQUEST_DIRECTIVES;
    const fields = requestDirectives ? request.headers : withoutDirectives(request.headers);
    const call: HandlerCall = { c, next, route, primary, fields, unkeyed: undefined };

    if (scope.refreshing?.key === primary) {
      scope.refreshing.result = await loadFromHandler(call);
      return;
    }

    let hasLoaded = false;
    // What this request's load stored under a key other than the one that was looked up.
    let storedElsewhere: Put | undefined;
    const lookUp = (key: string, variants: readonly Variant[]): Promise<Lookup> => {
      const { engine, ctx } = scope;
      const target = { engine, policy, ctx, primary, key, variants, request: fields };
      async function store(
        load: () => Promise<HandlerResult>,
        stale: Entry | undefined,
      ): Promise<LoadResult> {
        const { loaded, put, endsStale } = await loadAndStore(load, target);
        if (endsStale && stale !== undefined && stale.freshUntil <= ctx.now()) scope.end(stale);
        storedElsewhere = put;
        return loaded;
      }
      const task: LoadTask = {
        freshnessOf: (entry, now) => decideReuse(request, entry, control, now),
        load: (_signal, stale) => {
          hasLoaded = true;
          if (!control.onlyIfCached) return store(() => loadFromHandler(call), stale);
          c.res = onlyIfCachedProblem();
          return Promise.resolve(NOT_STORED);
        },
        refresh: (_signal, stale) => store(() => scope.redispatch(primary), stale),
      };
      return engine.lookup(key, policy, task, ctx);
    };

    try {
      scope.route = await lookUp(primary, []);
      const variants = storedElsewhere === undefined ? variantsOf(scope.route.entry) : undefined;
      if (variants !== undefined) {
        const selected = selectVariant(variants, fields)?.key;
        scope.route = await lookUp(
          selected ?? (await variantKey(primary, likelySelectors(variants, fields))),
          variants,
        );
      }
    } catch (error) {
      // The handler has made an error response. It is sent, because it says more than a 503 of this
      // cache.
      if (hasLoaded && error instanceof CacheUnavailable && c.res.status >= 500) return;
      throw error;
    }
    if (storedElsewhere !== undefined)
      scope.route = { ...scope.route, status: "miss", ...storedElsewhere };
    const { entry } = scope.route;
    if (entry !== undefined) {
      replaceResponse(c, respondWithEntry(request, entry, scope.ctx.now(), clientControl));
      return;
    }
    // The load of another request had a result that may not be shared, so this request calls the
    // handler itself.
    if (!hasLoaded) await answerFromHandler(call);
    const { unkeyed } = call;
    if (unkeyed !== undefined) scope.cacheStatusOverride = unkeyedStatus(unkeyed, c.res.status);
  };
}

/** Returns the place from which the function was called that made the error. */
function callerOf({ stack = "" }: Error): string {
  return (stack.split("\n")[2] ?? "").replace(/^\s*at /, "");
}

/** Returns the parts of the request from which rules make a key. */
function keySourceOf(c: HonoContext<StrataEnv>): KeySource {
  return { request: c.req.raw, variable: c.get };
}

async function loadAndStore(
  load: () => Promise<HandlerResult>,
  target: VariantTarget,
): Promise<HandlerResult & { readonly put?: Put }> {
  const { engine, ctx } = target;
  const began = { ...engine.logPosition(), startedAt: ctx.now() };
  const result = await load();
  if (!result.loaded.storable) return result;
  const stored = await storeVariant(result.loaded, { ...began, storedAt: ctx.now() }, target);
  return { ...result, ...stored };
}

/** Returns the request fields of a client, without the directives that the route ignores. */
function withoutDirectives(headers: Headers): FieldReader {
  return { get: (name) => (/^(?:cache-control|pragma)$/i.test(name) ? null : headers.get(name)) };
}
