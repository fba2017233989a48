/** The middleware `cached()`, which caches the responses of a route. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { Context } from "../../core/context.ts";
import { toMillis, type Duration } from "../../core/duration.ts";
import type { LoadResult, Variant } from "../../core/entry.ts";
import { CacheUnavailable, DefinitionError, fault, messageOf } from "../../core/faults.ts";
import { isJsonRefusal } from "../../core/json-text.ts";
import type { Lookup } from "../../core/lookup.ts";
import { definePolicy, type Policy, type PolicyOptions } from "../../core/policy.ts";
import { createDependencyCollector } from "../../engine/dependency-collector.ts";
import type { Put } from "../../engine/lookup.ts";
import type { LoadTask } from "../../engine/lookup-request.ts";
import { onlyIfCachedProblem } from "../cache/problem.ts";
import { decideReuse } from "../cache/reuse-decision.ts";
import { isExplicitlyStorable, NOT_STORED } from "../cache/storage-decision.ts";
import { peekStored, storeVariant, type VariantTarget } from "../cache/store-variant.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { NO_REQUEST_DIRECTIVES, requestControlOf } from "../rfc/request-control.ts";
import { answerWith, changeFields, replaceAnswer, type Answer } from "./answer.ts";
import { callHandler, discard, endHandlerCall } from "./handler-call.ts";
import { internalScopeOf } from "./middleware.ts";
import type { StrataEnv } from "./request-scope.ts";
import { CLIENT_CACHE_CONTROL, respondWithEntry } from "./respond.ts";
import { createRouteKeys, sharedRequest, type KeyRules } from "./route-key.ts";
import { decideRouteStorage, loadResultOf, type WaitingClient } from "./route-response.ts";

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
    // The handler's answer. It is sent if no entry answers.
    let answered: Answer | undefined;
    const loadFor = (client: WaitingClient | undefined): Promise<LoadResult> => {
      const onAnswer = (answer: Answer): void => void (answered = answer);
      return loadFromHandler(c, next, { policy, rules, fields, tags: tagsOf(c), onAnswer, client });
    };

    if (scope.refreshing?.key === primary) {
      scope.refreshing.loaded = await loadFor(undefined);
      if (answered !== undefined) answerWith(c, answered);
      return;
    }

    let hasLoaded = false;
    // What this request's load stored under a key other than the one that was looked up.
    let storedElsewhere: Put | undefined;
    const lookUp = (key: string, variants: readonly Variant[]): Promise<Lookup | undefined> => {
      const { engine, ctx } = scope;
      const target = { engine, policy, ctx, primary, key, variants, request: fields };
      async function store(
        load: (storeLater: StoreLater) => Promise<LoadResult>,
      ): Promise<LoadResult> {
        const { loaded, put } = await loadAndStore(load, target);
        storedElsewhere = put;
        return loaded;
      }
      return untilStreamed(ctx, (streamed) => {
        const task: LoadTask = {
          freshnessOf: (entry, now) => decideReuse(request, entry, control, now),
          load: () => {
            hasLoaded = true;
            if (!control.onlyIfCached)
              return store((storeLater) => loadFor({ stream: streamed, storeLater }));
            c.res = onlyIfCachedProblem();
            return Promise.resolve(NOT_STORED);
          },
          refresh: () => store(() => scope.redispatch(primary)),
        };
        return engine.lookup(key, policy, task, ctx);
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
      if (answered === undefined || answered.response.status < 500) throw error;
      return answerWith(c, answered);
    } finally {
      scope.routeError = c.error;
      endHandlerCall(c, scope);
    }
    // The client gets the handler's response while its body is still arriving.
    if (lookup === undefined) {
      scope.route = { key: primary, status: "miss", unreachable: false, stored: false };
      if (answered === undefined) return;
      if (request.method === "HEAD") discard(answered, scope.ctx);
      answerWith(c, answered);
      return changeFields(c, (headers) => {
        if (!headers.has("Cache-Control") && !headers.has("Expires"))
          headers.set("Cache-Control", clientControl);
      });
    }
    scope.route =
      storedElsewhere === undefined ? lookup : { ...lookup, status: "miss", ...storedElsewhere };
    const { entry } = scope.route;
    if (entry !== undefined) {
      if (answered !== undefined) discard(answered, scope.ctx);
      replaceAnswer(c, respondWithEntry(c, request, entry, scope.ctx.now(), clientControl));
      return;
    }
    // The load of another request had a result that may not be shared, so this request calls the
    // handler itself.
    if (!hasLoaded) answered = await callHandler(c, scope, next);
    if (answered !== undefined) answerWith(c, answered);
  };
}

/**
 * Waits for a lookup, or until its client gets the handler's response while the body is still
 * arriving. The lookup then goes on in the background, and the result is undefined.
 */
function untilStreamed(
  ctx: Context,
  lookUp: (streamed: () => void) => Promise<Lookup>,
): Promise<Lookup | undefined> {
  return new Promise((resolve, reject) => {
    const running = lookUp(() => {
      ctx.defer(running.then(ignore, ignore));
      resolve(undefined);
    });
    running.then(resolve, reject);
  });
}

const ignore = (): void => undefined;

type StoreLater = WaitingClient["storeLater"];

async function loadAndStore(
  load: (storeLater: StoreLater) => Promise<LoadResult>,
  target: VariantTarget,
): ReturnType<typeof storeVariant> {
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
  return store(await load((result) => ctx.defer(storeAfterLoad(result))));
}

interface HandlerCall {
  readonly policy: Policy;
  readonly rules: KeyRules;
  readonly fields: FieldReader;
  readonly tags: readonly string[];
  readonly onAnswer: (answer: Answer) => void;
  readonly client: WaitingClient | undefined;
}

/** Calls the handler with the shared request. `onAnswer` receives what it answers. */
async function loadFromHandler(
  c: HonoContext<StrataEnv>,
  next: () => Promise<void>,
  { policy, rules, fields, tags, onAnswer, client }: HandlerCall,
): Promise<LoadResult> {
  const scope = internalScopeOf(c);
  const request = c.req.raw;
  const collector = createDependencyCollector();
  collector.tag(...tags);
  const requestedAt = scope.ctx.now();
  const endLoad = (): void => void (scope.collector = undefined);
  // A handler that streams its body may read data until the body ends.
  let end = endLoad;
  const waiting: WaitingClient | undefined = client && {
    stream: (streamed) => client.stream(streamed),
    storeLater(result) {
      end = () => undefined;
      client.storeLater(result.finally(endLoad));
    },
  };
  scope.collector = collector;
  c.req.raw = sharedRequest(request, rules);
  try {
    const answer = await callHandler(c, scope, next).finally(() => (c.req.raw = request));
    onAnswer(answer);
    const { response } = answer;
    const times = { requestedAt, respondedAt: scope.ctx.now() };
    const { origin } = new URL(request.url);
    const decision = decideRouteStorage(fields, answer, times, origin, policy);
    if (response.status >= 500 && !isExplicitlyStorable(decision))
      throw failureOf(c, response.status);
    // A response to HEAD without a body says nothing about the body for GET.
    if (request.method === "HEAD" && response.body === null) return NOT_STORED;
    return await loadResultOf(response, decision, collector, waiting);
  } finally {
    end();
  }
}

/** Returns the error of a handler that has failed. JSON that refuses its value is a mistake, and no outage. */
function failureOf({ error, req }: HonoContext, status: number): Error {
  if (isJsonRefusal(error))
    return new DefinitionError("handler", `${req.path}: ${messageOf(error)}`);
  return error ?? new CacheUnavailable(fault("origin.unavailable", `answered ${status}`));
}

/** Returns the request fields of a client, without the directives that the route ignores. */
function withoutDirectives(headers: Headers): FieldReader {
  return { get: (name) => (/^(?:cache-control|pragma)$/i.test(name) ? null : headers.get(name)) };
}
