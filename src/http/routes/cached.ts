import type { Context as HonoContext, MiddlewareHandler } from "hono";
import {
  freshnessOf,
  type Freshness,
  type Entry,
  type LoadResult,
  type Variant,
} from "../../core/entry.ts";
import { toMillis, type Duration } from "../../core/duration.ts";
import { CacheUnavailable, fault } from "../../core/faults.ts";
import { definePolicy, type Policy, type PolicyOptions } from "../../core/policy.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { EpochMs } from "../../core/time.ts";
import { createDependencyCollector } from "../../engine/dependency-collector.ts";
import { NOT_STORED } from "../cache/cacheable-response.ts";
import { storeVariant } from "../cache/store-variant.ts";
import { notCached } from "../cache/problem.ts";
import { CLIENT_CACHE_CONTROL, respondWithEntry } from "./respond.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { forbidsStale } from "../rfc/lifetimes.ts";
import { readerOf } from "../rfc/field-reader.ts";
import { NO_DEMANDS, requestControlOf, type RequestControl } from "../rfc/request-control.ts";
import { controlOf } from "../rfc/response-control.ts";
import { reuseOf } from "../rfc/reuse.ts";
import { createRouteKeys, sharedRequest, type KeyRules } from "./route-key.ts";
import { isExplicit, judgeRoute, routeMaterial } from "./route-response.ts";
import { internalScopeOf } from "./middleware.ts";
import type { StrataEnv } from "./request-scope.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";

export interface CachedOptions extends Omit<PolicyOptions, "tags"> {
  /**
   * The entry's key, or the rules that make it of the request. Default: the path and its
   * query, parameters sorted. What the rules leave out, the handler does not see either:
   * cookies, unless they are named, are left out.
   */
  readonly key?: ((c: HonoContext<StrataEnv>) => string) | KeyRules;
  /** Names to purge it by. Tags found in the result are added with `c.var.strata.tag()`. */
  readonly tags?: readonly string[] | ((c: HonoContext<StrataEnv>) => readonly string[]);
  /** How long a client may use its copy without asking. Default 0: what it holds cannot be purged. */
  readonly clientMaxAge?: Duration;
  /**
   * Whether clients may ask for validation, other ages, or what is stored alone (RFC 9111,
   * 5.2.1). Default false: they could make the origin work as often as they like.
   */
  readonly requestDirectives?: boolean;
}

/**
 * Caches a route's response in every tier: one line a route. GET and HEAD only;
 * other methods pass. Put it behind the route's own validation, so that no bad
 * request becomes a key. Where the response says itself how long it is fresh, that
 * counts; where it is silent, the policy does. Variants that its Vary makes are kept apart.
 *
 * @throws {DefinitionError} where the route is defined, naming the field that is wrong.
 * @example
 * app.get("/products/:id", cached({ freshFor: "1h", tags: (c) => [`product:${c.req.param("id")}`] }), handler)
 */
export function cached(options: CachedOptions): MiddlewareHandler<StrataEnv> {
  const {
    key: keying = {},
    tags,
    clientMaxAge,
    requestDirectives = false,
    ...policyOptions
  } = options;
  const fixedTags = typeof tags === "function" ? [] : (tags ?? []);
  const policy = definePolicy({ ...policyOptions, tags: fixedTags });
  const tagsOf = typeof tags === "function" ? tags : () => [];
  const rules = typeof keying === "function" ? {} : keying;
  const routeKeys = createRouteKeys(rules);
  const keyOf =
    typeof keying === "function" ? keying : (c: HonoContext<StrataEnv>) => routeKeys(c.req.raw);
  const clientControl =
    clientMaxAge === undefined
      ? CLIENT_CACHE_CONTROL
      : `max-age=${Math.floor(toMillis(clientMaxAge, "clientMaxAge") / 1000)}`;

  return async function cachedRoute(c, next) {
    const request = c.req.raw;
    if (request.method !== "GET" && request.method !== "HEAD") return next();
    const scope = internalScopeOf(c);
    const primary = await keyOf(c);
    const demands = requestDirectives ? requestControlOf(request.headers) : NO_DEMANDS;
    const asked = requestDirectives ? request.headers : withoutDirectives(request.headers);
    const run = (): Promise<LoadResult> =>
      loadHere(c, next, { policy, rules, asked, tags: tagsOf(c) });

    if (scope.refreshing?.key === primary) {
      scope.refreshing.loaded = await run();
      return;
    }

    let ran = false;
    let own: Entry | undefined;
    const look = (key: string, known: readonly Variant[]): Promise<Lookup> => {
      const place = {
        engine: scope.engine,
        policy,
        ctx: scope.ctx,
        primary,
        key,
        known,
        request: asked,
      };
      async function load(by: () => Promise<LoadResult>): Promise<LoadResult> {
        const began = { ...scope.engine.logPosition(), startedAt: scope.ctx.now() };
        const made = await by();
        if (!made.storable) return made;
        const { loaded, entry } = await storeVariant(
          made,
          { ...began, storedAt: scope.ctx.now() },
          place,
        );
        own = entry;
        return loaded;
      }
      const task = {
        freshnessOf: (entry: Entry, now: EpochMs) => standing(entry, demands, now),
        load: () => {
          ran = true;
          if (!demands.onlyIfCached) return load(run);
          c.res = notCached();
          return Promise.resolve(NOT_STORED);
        },
        refresh: () => load(() => scope.redispatch(primary)),
      };
      return scope.engine.lookup(key, policy, task, scope.ctx);
    };

    try {
      scope.route = await look(primary, []);
      const variants = own === undefined ? variantsOf(scope.route.entry) : undefined;
      if (variants !== undefined) {
        const selected = selectVariant(variants, asked)?.key;
        scope.route = await look(
          selected ?? (await variantKey(primary, likelySelectors(variants, asked))),
          variants,
        );
      }
    } catch (error) {
      // The handler's own error answer says more than ours would.
      if (ran && error instanceof CacheUnavailable && c.res.status >= 500) return;
      throw error;
    }
    // Stored under the key of a variant that nobody had looked for.
    if (own !== undefined)
      scope.route = { ...scope.route, status: "miss", entry: own, stored: true };
    const { entry } = scope.route;
    if (entry !== undefined) {
      const response = respondWithEntry(request, entry, scope.ctx.now(), clientControl);
      // Unset first: Hono would merge the handler's headers into the stored ones.
      c.res = undefined;
      c.res = response;
      return;
    }
    // Not storable, and loaded for somebody else: this request needs its own.
    if (!ran) await next();
  };
}

interface LoadOptions {
  readonly policy: Policy;
  readonly rules: KeyRules;
  readonly asked: FieldReader;
  readonly tags: readonly string[];
}

/** Runs the handler for everyone's sake, and makes an entry's material of its response. */
async function loadHere(
  c: HonoContext<StrataEnv>,
  next: () => Promise<void>,
  { policy, rules, asked, tags }: LoadOptions,
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
  const respondedAt = scope.ctx.now();
  const { origin } = new URL(request.url);
  const verdict = judgeRoute(asked, c.res, { requestedAt, respondedAt }, origin, policy);
  if (c.res.status >= 500 && !isExplicit(verdict))
    throw c.error ?? new CacheUnavailable(fault("origin.unavailable", `answered ${c.res.status}`));
  const { loaded, response } = await routeMaterial(c.res, verdict, collector);
  if (response !== c.res) {
    c.res = undefined;
    c.res = response;
  }
  return loaded;
}

function standing(entry: Entry, demands: RequestControl, now: EpochMs): Freshness {
  // The list of variants is never stale: they are.
  if (variantsOf(entry) !== undefined) return now < entry.deleteAt ? "fresh" : "expired";
  if (demands === NO_DEMANDS) return freshnessOf(entry, now);
  return reuseOf({ ...entry, bornAt: entry.http?.bornAt ?? entry.storedAt }, demands, now, () =>
    forbidsStale(controlOf(readerOf(entry.http?.headers ?? []))),
  );
}

/** What the client wants of caches is left out: this one does as its policy says. */
function withoutDirectives(headers: Headers): FieldReader {
  return { get: (name) => (/^(?:cache-control|pragma)$/i.test(name) ? null : headers.get(name)) };
}
