/** The middleware `cached()`, which caches the responses of a route. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { toMillis, type Duration } from "../../core/duration.ts";
import type { LoadResult, Variant } from "../../core/entry.ts";
import { CacheUnavailable, fault } from "../../core/faults.ts";
import type { Lookup } from "../../core/lookup.ts";
import { definePolicy, type Policy, type PolicyOptions } from "../../core/policy.ts";
import { createDependencyCollector } from "../../engine/dependency-collector.ts";
import type { Put } from "../../engine/lookup.ts";
import type { LoadTask } from "../../engine/lookup-request.ts";
import { onlyIfCachedProblem } from "../cache/problem.ts";
import { decideReuse } from "../cache/reuse-decision.ts";
import { RFC_SHARING } from "../cache/sharing-rules.ts";
import { isExplicitlyStorable, NOT_STORED } from "../cache/storage-decision.ts";
import { storeVariant, type VariantTarget } from "../cache/store-variant.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { NO_REQUEST_DIRECTIVES, requestControlOf } from "../rfc/request-control.ts";
import { internalScopeOf } from "./middleware.ts";
import type { StrataEnv } from "./request-scope.ts";
import { CLIENT_CACHE_CONTROL, respondWithEntry } from "./respond.ts";
import { createRouteKeys, sharedRequest, type KeyRules } from "./route-key.ts";
import { decideRouteStorage, loadResultOf } from "./route-response.ts";

/** The options of `cached`: a policy, and the rules of one route. Only `freshFor` is required. */
export interface CachedOptions extends Omit<PolicyOptions, "tags"> {
  /**
   * The entry's key, or the rules by which it is made from the request. Default: the path, and the
   * query with its parameters sorted. The handler does not see the parts of the request that the
   * rules leave out, for example cookies that they do not name.
   */
  readonly key?: ((c: HonoContext<StrataEnv>) => string) | KeyRules;
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
      : (c: HonoContext<StrataEnv>) => routeKeys(c.req.raw);
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
    const callHandler = (): Promise<LoadResult> =>
      loadFromHandler(c, next, { policy, rules, fields, tags: tagsOf(c) });

    if (scope.refreshing?.key === primary) {
      scope.refreshing.loaded = await callHandler();
      return;
    }

    let hasLoaded = false;
    // What this request's load stored under a key other than the one that was looked up.
    let storedElsewhere: Put | undefined;
    const lookUp = (key: string, variants: readonly Variant[]): Promise<Lookup> => {
      const { engine, ctx } = scope;
      const target = { engine, policy, ctx, primary, key, variants, request: fields };
      async function store(load: () => Promise<LoadResult>): Promise<LoadResult> {
        const { loaded, put } = await loadAndStore(load, target);
        storedElsewhere = put;
        return loaded;
      }
      const task: LoadTask = {
        freshnessOf: (entry, now) => decideReuse(request, entry, control, RFC_SHARING, now),
        load: () => {
          hasLoaded = true;
          if (!control.onlyIfCached) return store(callHandler);
          c.res = onlyIfCachedProblem();
          return Promise.resolve(NOT_STORED);
        },
        refresh: () => store(() => scope.redispatch(primary)),
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
    if (!hasLoaded) await next();
  };
}

async function loadAndStore(
  load: () => Promise<LoadResult>,
  target: VariantTarget,
): ReturnType<typeof storeVariant> {
  const { engine, ctx } = target;
  const began = { ...engine.logPosition(), startedAt: ctx.now() };
  const loaded = await load();
  if (!loaded.storable) return { loaded };
  return storeVariant(loaded, { ...began, storedAt: ctx.now() }, target);
}

interface HandlerCall {
  readonly policy: Policy;
  readonly rules: KeyRules;
  readonly fields: FieldReader;
  readonly tags: readonly string[];
}

/** Calls the handler with the shared request. If the response is not stored, it stays in `c.res`. */
async function loadFromHandler(
  c: HonoContext<StrataEnv>,
  next: () => Promise<void>,
  { policy, rules, fields, tags }: HandlerCall,
): Promise<LoadResult> {
  const scope = internalScopeOf(c);
  const request = c.req.raw;
  const collector = createDependencyCollector();
  collector.tag(...tags);
  const requestedAt = scope.ctx.now();
  scope.collector = collector;
  c.req.raw = sharedRequest(request, rules);
  try {
    await next();
  } finally {
    c.req.raw = request;
    scope.collector = undefined;
  }
  const times = { requestedAt, respondedAt: scope.ctx.now() };
  const { origin } = new URL(request.url);
  const decision = decideRouteStorage(fields, c.res, times, origin, policy);
  if (c.res.status >= 500 && !isExplicitlyStorable(decision))
    throw c.error ?? new CacheUnavailable(fault("origin.unavailable", `answered ${c.res.status}`));
  const { loaded, response } = await loadResultOf(c.res, decision, collector);
  if (response !== c.res) replaceResponse(c, response);
  return loaded;
}

function replaceResponse(c: HonoContext, response: Response): void {
  // The response is unset first, because Hono would otherwise copy its headers to the next one.
  c.res = undefined;
  c.res = response;
}

/** Returns the request fields of a client, without the directives that the route ignores. */
function withoutDirectives(headers: Headers): FieldReader {
  return { get: (name) => (/^(?:cache-control|pragma)$/i.test(name) ? null : headers.get(name)) };
}
