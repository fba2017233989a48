/** The middleware `cached()`, which caches the responses of a route. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { toMillis, type Duration } from "../../core/duration.ts";
import type { Entry, LoadResult, Variant } from "../../core/entry.ts";
import { CacheUnavailable, fault } from "../../core/faults.ts";
import type { Lookup } from "../../core/lookup.ts";
import { definePolicy, type Policy, type PolicyOptions } from "../../core/policy.ts";
import type { EpochMs } from "../../core/time.ts";
import {
  createDependencyCollector,
  type DependencyCollector,
} from "../../engine/dependency-collector.ts";
import type { Put } from "../../engine/lookup.ts";
import type { LoadTask } from "../../engine/lookup-request.ts";
import { onlyIfCachedProblem } from "../cache/problem.ts";
import { decideReuse } from "../cache/reuse-decision.ts";
import { RFC_SHARING } from "../cache/sharing-rules.ts";
import {
  endsStale,
  HIT_FOR_MISS,
  isExplicitlyStorable,
  NOT_STORED,
} from "../cache/storage-decision.ts";
import { storeVariant, type VariantTarget } from "../cache/store-variant.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { NO_REQUEST_DIRECTIVES, requestControlOf } from "../rfc/request-control.ts";
import { openHandlerView, type HandlerView } from "./handler-view.ts";
import { partsNamedByFunction, type KeyFunction } from "./key-function.ts";
import { internalScopeOf } from "./middleware.ts";
import { partsNamedByRules } from "./named-parts.ts";
import { addVary, makePrivate, replaceResponse, unkeyedStatus } from "./private-answer.ts";
import type { HandlerResult, StrataEnv } from "./request-scope.ts";
import { CLIENT_CACHE_CONTROL, respondWithEntry } from "./respond.ts";
import { createRouteKeys, type KeyRules, type KeySource } from "./route-key.ts";
import { decideRouteStorage, loadResultOf } from "./route-response.ts";

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
    shared: sharedNames = [],
    tags,
    clientMaxAge,
    requestDirectives = false,
    ...policyOptions
  } = options;
  const fixedTags = typeof tags === "function" ? [] : (tags ?? []);
  const policy = definePolicy({ ...policyOptions, tags: fixedTags });
  const tagsOf = typeof tags === "function" ? tags : () => [];
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
  const definedAt = callerOf(new Error("cached() is called here"));
  const shared = new Set(sharedNames);
  const keyedFields = new Set(rules.headers?.map((name) => name.toLowerCase()));
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
    // The name of what the handler read although the key does not name it.
    let unkeyed: string | undefined;
    /** Runs the handler. It sees the same in each run: a load, a refresh, or a run for one client. */
    async function run<T>(finish: (handlerRun: HandlerRun) => Promise<T>): Promise<T> {
      const parts = await partsOf(c, primary);
      const { emit } = scope.ctx;
      const view = openHandlerView(c, { parts, shared, keyedFields, definedAt, emit });
      const collector = createDependencyCollector();
      scope.collector = {
        ...collector,
        include(lookup) {
          view.check(lookup);
          collector.include(lookup);
        },
      };
      try {
        collector.tag(...tagsOf(c));
        const requestedAt = scope.ctx.now();
        await next();
        addVary(c, view.negotiated);
        return await finish({ view, collector, requestedAt });
      } finally {
        if (view.unkeyed !== undefined && c.finalized) makePrivate(c);
        ({ unkeyed } = view);
        view.close();
        scope.collector = undefined;
      }
    }
    const callHandler = (): Promise<HandlerResult> =>
      run((handlerRun) => loadResultOfRun(c, handlerRun, { policy, fields, url: request.url }));

    if (scope.refreshing?.key === primary) {
      scope.refreshing.result = await callHandler();
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
        const { loaded, put } = await loadAndStore(load, target, (result) => {
          if (!result.endsStale || stale === undefined) return;
          if (stale.freshUntil <= ctx.now()) scope.end(stale);
        });
        storedElsewhere = put;
        return loaded;
      }
      const task: LoadTask = {
        freshnessOf: (entry, now) => decideReuse(request, entry, control, now),
        load: (_signal, stale) => {
          hasLoaded = true;
          if (!control.onlyIfCached) return store(callHandler, stale);
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
    if (!hasLoaded) await run(() => Promise.resolve());
    if (unkeyed !== undefined) scope.cacheStatusOverride = unkeyedStatus(unkeyed, c.res.status);
  };
}

/** Returns the place from which the function was called that made the error. */
function callerOf({ stack = "" }: Error): string {
  return (stack.split("\n")[2] ?? "").replace(/^\s*at /, "");
}

/** Returns the parts of the request from which rules make a key. */
function keySourceOf(c: HonoContext<StrataEnv>): KeySource {
  return { request: c.req.raw, variable: (name) => c.get(name as keyof StrataEnv["Variables"]) };
}

async function loadAndStore(
  load: () => Promise<HandlerResult>,
  target: VariantTarget,
  onResult: (result: HandlerResult) => void,
): ReturnType<typeof storeVariant> {
  const { engine, ctx } = target;
  const began = { ...engine.logPosition(), startedAt: ctx.now() };
  const result = await load();
  onResult(result);
  const { loaded } = result;
  if (!loaded.storable) return { loaded };
  return storeVariant(loaded, { ...began, storedAt: ctx.now() }, target);
}

/** One run of the handler. */
interface HandlerRun {
  readonly view: HandlerView;
  readonly collector: DependencyCollector;
  readonly requestedAt: EpochMs;
}

/** The client's request to a route, with the policy of the route. */
interface RouteRequest {
  readonly policy: Policy;
  readonly fields: FieldReader;
  readonly url: string;
}

/** Makes the load result of a run. If the response is not stored, it stays in `c.res`. */
async function loadResultOfRun(
  c: HonoContext<StrataEnv>,
  { view, collector, requestedAt }: HandlerRun,
  { policy, fields, url }: RouteRequest,
): Promise<HandlerResult> {
  const handlerFields = withoutCredentials(fields);
  const times = { requestedAt, respondedAt: internalScopeOf(c).ctx.now() };
  const { origin } = new URL(url);
  const decision = decideRouteStorage(handlerFields, c.res, times, origin, policy);
  const { status, headers } = c.res;
  if (status >= 500 && !isExplicitlyStorable(decision))
    throw c.error ?? new CacheUnavailable(fault("origin.unavailable", `answered ${status}`));
  const varied = view.negotiated.size;
  const { loaded, response } = await loadResultOf(c.res, decision, collector);
  if (response !== c.res) replaceResponse(c, response);
  // The body may have read a field when Vary had been sent already.
  if (view.negotiated.size > varied) view.add("header", [...view.negotiated].at(-1) ?? "");
  // A client can make a request that costs too many runs of the key function. It says nothing about
  // others.
  if (!view.isStable) return { loaded: NOT_STORED, endsStale: false };
  if (view.unkeyed !== undefined) return { loaded: HIT_FOR_MISS, endsStale: true };
  const isForOne =
    headers.has("Set-Cookie") || endsStale(decision, handlerFields, status, RFC_SHARING, true);
  return { loaded, endsStale: !loaded.storable && isForOne };
}

/** Returns request fields without Authorization: the handler does not see it unless the key names it. */
function withoutCredentials(fields: FieldReader): FieldReader {
  return { get: (name) => (/^authorization$/i.test(name) ? null : fields.get(name)) };
}

/** Returns the request fields of a client, without the directives that the route ignores. */
function withoutDirectives(headers: Headers): FieldReader {
  return { get: (name) => (/^(?:cache-control|pragma)$/i.test(name) ? null : headers.get(name)) };
}
