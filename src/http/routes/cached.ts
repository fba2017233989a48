/** The middleware `cached()`, which caches the responses of a route. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { Context } from "../../core/context.ts";
import { toMillis, type Duration } from "../../core/duration.ts";
import type { Entry, LoadResult, Variant } from "../../core/entry.ts";
import type { Lookup } from "../../core/lookup.ts";
import { definePolicy, type PolicyOptions } from "../../core/policy.ts";
import type { Put } from "../../engine/engine.ts";
import type { LoadTask } from "../../engine/lookup-request.ts";
import { onlyIfCachedProblem } from "../cache/problem.ts";
import { decideReuse } from "../cache/reuse-decision.ts";
import { RFC_SHARING } from "../cache/sharing-rules.ts";
import { NOT_STORED } from "../cache/storage-decision.ts";
import { peekStored, storeVariant, type VariantTarget } from "../cache/store-variant.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { NO_REQUEST_DIRECTIVES, requestControlOf } from "../rfc/request-control.ts";
import { answerWith, changeFields, replaceAnswer } from "./answer.ts";
import { discard, endHandlerCall } from "./handler-call.ts";
import { partsNamedByFunction } from "./key-function.ts";
import type { KeyFunction } from "./key-reads.ts";
import { internalScopeOf } from "./middleware.ts";
import { partsNamedByRules } from "./named-parts.ts";
import { unkeyedStatus } from "./private-answer.ts";
import type { HandlerResult, StrataEnv } from "./request-scope.ts";
import { CLIENT_CACHE_CONTROL, respondWithEntry } from "./respond.ts";
import {
  answerFromHandler,
  loadFromHandler,
  type HandlerCall,
  type RouteDefinition,
} from "./run-handler.ts";
import { createRouteKeys, type KeyRules, type KeySource } from "./route-key.ts";
import type { WaitingClient } from "./route-response.ts";

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
    const call: HandlerCall = {
      c,
      next,
      route,
      primary,
      fields,
      answer: undefined,
      unkeyed: undefined,
    };

    if (scope.refreshing?.key === primary) {
      scope.refreshing.result = await loadFromHandler(call, undefined);
      if (call.answer !== undefined) answerWith(c, call.answer);
      return;
    }

    let hasLoaded = false;
    // What this request's load stored under a key other than the one that was looked up.
    let storedElsewhere: Put | undefined;
    const lookUp = (
      key: string,
      variants: readonly Variant[],
    ): Lookup | Promise<Lookup | undefined> => {
      const { engine, ctx } = scope;
      const target = { engine, policy, ctx, primary, key, variants, request: fields };
      async function store(
        load: (storeLater: StoreLater) => Promise<HandlerResult>,
        stale: Entry | undefined,
      ): Promise<LoadResult> {
        const { loaded, put, endsStale } = await loadAndStore(load, target);
        if (endsStale && stale !== undefined && stale.freshUntil <= ctx.now()) scope.end(stale);
        storedElsewhere = put;
        return loaded;
      }
      // A load calls it when the client gets the handler's response while the body is still arriving.
      let stream = ignore;
      const task: LoadTask = {
        freshnessOf: (entry, now) => decideReuse(request, entry, control, RFC_SHARING, now),
        load: (_signal, stale) => {
          hasLoaded = true;
          if (!control.onlyIfCached)
            return store((storeLater) => loadFromHandler(call, { stream, storeLater }), stale);
          c.res = onlyIfCachedProblem();
          return Promise.resolve(NOT_STORED);
        },
        refresh: (_signal, stale) => store(() => scope.redispatch(primary), stale),
      };
      const running = engine.lookup(key, policy, task, ctx);
      if (!(running instanceof Promise)) return running;
      return untilStreamed(running, ctx, (streamed) => {
        stream = streamed;
      });
    };

    let lookup: Lookup | undefined;
    try {
      lookup = await lookUp(primary, []);
      const variants = storedElsewhere === undefined ? variantsOf(lookup?.entry) : undefined;
      if (variants !== undefined) {
        const selected = selectVariant(variants, fields)?.key;
        lookup = await lookUp(
          selected ?? (await variantKey(primary, likelySelectors(variants, fields))),
          variants,
        );
      }
    } catch (error) {
      // The handler has made an error response. It is sent, because it says more than a 503 of this
      // cache.
      if (call.answer === undefined || call.answer.response.status < 500) throw error;
      return answerWith(c, call.answer);
    } finally {
      scope.routeError = c.error;
      endHandlerCall(c, scope);
    }
    // The client gets the handler's response while its body is still arriving.
    if (lookup === undefined) {
      const currentAt = scope.ctx.now();
      scope.route = { key: primary, status: "miss", unreachable: false, currentAt, stored: false };
      if (call.answer === undefined) return;
      if (request.method === "HEAD") discard(call.answer, scope.ctx);
      answerWith(c, call.answer);
      return changeFields(c, (headers) => {
        if (!headers.has("Cache-Control") && !headers.has("Expires"))
          headers.set("Cache-Control", clientControl);
      });
    }
    scope.route =
      storedElsewhere === undefined ? lookup : { ...lookup, status: "miss", ...storedElsewhere };
    const { entry } = scope.route;
    if (entry !== undefined) {
      if (call.answer !== undefined) discard(call.answer, scope.ctx);
      replaceAnswer(c, respondWithEntry(c, request, entry, scope.ctx.now(), clientControl));
      return;
    }
    // The load of another request had a result that may not be shared, so this request calls the
    // handler itself.
    if (!hasLoaded) await answerFromHandler(call);
    if (call.answer !== undefined) answerWith(c, call.answer);
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

/**
 * Waits for a lookup, or until its client gets the handler's response while the body is still
 * arriving. The lookup then goes on in the background, and the result is undefined.
 */
function untilStreamed(
  running: Promise<Lookup>,
  ctx: Context,
  onStreamed: (streamed: () => void) => void,
): Promise<Lookup | undefined> {
  return new Promise((resolve, reject) => {
    onStreamed(() => {
      ctx.defer(running.then(ignore, ignore));
      resolve(undefined);
    });
    running.then(resolve, reject);
  });
}

const ignore = (): void => undefined;

type StoreLater = WaitingClient["storeLater"];

async function loadAndStore(
  load: (storeLater: StoreLater) => Promise<HandlerResult>,
  target: VariantTarget,
): Promise<HandlerResult & { readonly put?: Put }> {
  const { engine, ctx, key, policy } = target;
  const began = { ...engine.logPosition(), startedAt: ctx.now() };
  const store = async (loaded: LoadResult): ReturnType<typeof storeVariant> =>
    loaded.storable ? storeVariant(loaded, { ...began, storedAt: ctx.now() }, target) : { loaded };
  async function storeAfterLoad(result: Promise<LoadResult>): Promise<void> {
    const late = await result;
    // Another reader may have stored the result of a later load meanwhile.
    const present = await peekStored(target.primary, target);
    if (present !== undefined && present.storedAt > began.startedAt) return;
    const { loaded } = await store(late);
    if (loaded.storable) engine.put(key, policy, loaded, { ...began, storedAt: ctx.now() }, ctx);
  }
  const result = await load((late) => ctx.defer(storeAfterLoad(late)));
  return { ...result, ...(await store(result.loaded)) };
}

/** Returns the request fields of a client, without the directives that the route ignores. */
function withoutDirectives(headers: Headers): FieldReader {
  return { get: (name) => (/^(?:cache-control|pragma)$/i.test(name) ? null : headers.get(name)) };
}
