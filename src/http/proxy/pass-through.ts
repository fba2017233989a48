/**
 * A shared cache in front of an HTTP origin (RFC 9111). Lifetimes come from the responses;
 * the proxy adds none. A request takes these steps:
 *
 * 1. A request outside the prefix goes to the next route. One that loops, whose Max-Forwards is 0, or
 *    whose method is TRACE, is answered here. A WebSocket is passed through (upgrade.ts).
 * 2. A method other than GET and HEAD is forwarded, and invalidates (unsafe-methods.ts).
 * 3. GET and HEAD look up the key of the resource (cache-lookup.ts). A usable entry answers;
 *    otherwise the origin is asked, and its response stored or relayed (origin-load.ts).
 * 4. If the entry is a list of variants, a second lookup uses the key of the variant.
 * 5. The result becomes the client's response, with its cache status (client-response.ts).
 */
import type { Handler } from "hono";
import { toMillis, type Duration } from "../../core/duration.ts";
import { CacheUnavailable } from "../../core/faults.ts";
import { definePolicy, MAX_LIFETIME_MS } from "../../core/policy.ts";
import { forwardedStatus } from "../cache/cache-status.ts";
import { DEFAULT_CREDENTIAL_HEADERS, sharingRules } from "../cache/sharing-rules.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import type { LifetimeLimits } from "../rfc/lifetimes.ts";
import { NO_REQUEST_DIRECTIVES, requestControlOf } from "../rfc/request-control.ts";
import { internalScopeOf } from "../routes/middleware.ts";
import type { InternalScope, StrataEnv } from "../routes/request-scope.ts";
import { createArrivals } from "./arrivals.ts";
import { lookUp } from "./cache-lookup.ts";
import { clientAddressOf } from "./client-address.ts";
import {
  clientGone,
  loopDetected,
  originFailed,
  responseFor,
  setStatus,
  traceRefused,
} from "./client-response.ts";
import { createFillMarkers } from "./fill-markers.ts";
import { requestKindOf } from "./flight-scope.ts";
import { createForward, type Forward } from "./forward.ts";
import { fieldRulesOf, forwardedHeaders, forwardedReader, isLooping } from "./forwarded-fields.ts";
import { createInvalidationBatches } from "./invalidation-batches.ts";
import {
  createRetryingInvalidate,
  type RecoveringInvalidator,
} from "../../engine/invalidation-retry.ts";
import { answerAsFinalRecipient, forwardsLeft } from "./max-forwards.ts";
import type { ProxiedRequest, ProxyOptions } from "./proxied-request.ts";
import { rewriteAddresses } from "./public-address.ts";
import { createRetryBudget } from "./retry-budget.ts";
import { createTargets, type Target } from "./target.ts";
import { forwardUnsafe, type UnsafeOptions } from "./unsafe-methods.ts";
import { ClientGone } from "./upload.ts";
import { forwardWebSocket, isWebSocketRequest } from "./upgrade.ts";

/** The options of `passThrough`. */
export interface PassThroughOptions {
  /** The origin's URL. Its path, if it has one, precedes the path of every request. */
  readonly origin: URL;
  /** The path under which the origin's root is served. Default "", the root. */
  readonly prefix?: string;
  /** The invalidation log: `strata.invalidator`. */
  readonly invalidator: RecoveringInvalidator & {
    ensureCurrent(start: number, windowMs: number, ctx: InternalScope["ctx"]): unknown;
  };
  /** A longer body is relayed and not stored. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** How long the origin may take to send the header section of a response. Default 20 s. */
  readonly headersTimeout?: Duration;
  /** Sends a request to the origin. Default: the platform's fetch. */
  readonly fetch?: (url: URL, init: RequestInit) => Promise<Response>;
  /**
   * `rfc` shares all that RFC 9111 allows. `safe` shares less, so that it is also right for an
   * application that says nothing about caching: docs/http.md lists the differences. Default `safe`.
   */
  readonly sharing?: "safe" | "rfc";
  /**
   * Request fields with credentials, beside `Authorization` and `Cookie`. In safe mode the response
   * to such a request is stored only with `public`, `s-maxage` or a lifetime in CDN-Cache-Control.
   * Default `X-API-Key`, `X-Auth-Token` and `Cf-Access-Jwt-Assertion`.
   */
  readonly credentialHeaders?: readonly string[];
  /**
   * Whether the cache obeys request directives such as `no-cache`, `max-age` and
   * `only-if-cached` (RFC 9111, 5.2.1). Default true in rfc mode; safe mode never obeys them.
   */
  readonly requestDirectives?: boolean;
  /**
   * Untrusted request fields that the origin gets all the same, for example `X-Forwarded-For` if a
   * proxy in front of this Worker sets it. Default none: docs/http.md lists the untrusted fields.
   */
  readonly forwardFields?: readonly string[];
  /** Request fields that are for this Worker alone. Default none. */
  readonly dropFields?: readonly string[];
  /**
   * The request field with the client's address, for `X-Forwarded-For` and to tell clients apart.
   * Default `CF-Connecting-IP`.
   */
  readonly clientAddressHeader?: string;
}

const LIMITS: LifetimeLimits = {
  disconnectedMs: 3_600_000,
  validateMs: 86_400_000,
  maxMs: MAX_LIFETIME_MS,
};
const HEADERS_TIMEOUT = "20s";

/** RFC 9110, 9.2.1. The other methods change something, and get a free slot first. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** How the engine runs lookups and loads. Its lifetimes do not apply: each response brings its own. */
const POLICY = definePolicy({
  freshFor: "1m",
  jitter: 0,
  flight: "isolate",
  flightTimeout: "5s",
  originTimeout: "30s",
});

/**
 * Serves an HTTP origin through the cache, by the caching rules in the responses.
 *
 * @example
 * app.all(
 *   "/origin/*",
 *   passThrough({
 *     origin: new URL("https://example.com"),
 *     prefix: "/origin",
 *     invalidator: strata.invalidator,
 *   }),
 * );
 */
export function passThrough(options: PassThroughOptions): Handler<StrataEnv> {
  const { origin, invalidator, requestDirectives = true } = options;
  const { maxBodyBytes = 4 * 1024 * 1024, headersTimeout = HEADERS_TIMEOUT } = options;
  const headersTimeoutMs = toMillis(headersTimeout, "headersTimeout");
  const { sharing: mode = "safe", credentialHeaders = DEFAULT_CREDENTIAL_HEADERS } = options;
  const sharing = sharingRules(mode, credentialHeaders);
  const limits: LifetimeLimits = {
    ...LIMITS,
    neverStaleUnlessFresh: !sharing.servesNeverFresh,
    staleAfterSMaxAge: mode === "safe",
  };
  const obeysDirectives = sharing.requestDirectives && requestDirectives;
  const mount = { origin, prefix: prefixOf(options) };
  const targetOf = createTargets(mount);
  const fieldRules = fieldRulesOf(options);
  const retries = createRetryBudget();
  const arrivals = createArrivals();
  const invalidate = createRetryingInvalidate(invalidator, "p:origin:");
  const fillMarkers = createFillMarkers();
  const invalidations = createInvalidationBatches({
    invalidate,
    mark: (keys) => invalidator.markInvalidated(keys),
    sync: async (ctx) => invalidator.ensureCurrent(ctx.now(), 0, ctx),
  });

  function optionsFor(scope: InternalScope, request: Request, target: Target): UnsafeOptions {
    const { engine, ctx, proxyLimits } = scope;
    const arrivedAt = ctx.now();
    const createForwardOnce = (): Forward =>
      createForward({
        fetch: options.fetch ?? ((url, init) => fetch(url, init)),
        now: ctx.now,
        takeSlot: (waitMs, holdMs) =>
          proxyLimits.slotsOf(origin.origin).acquire({
            priority: SAFE_METHODS.has(request.method) ? "read" : "write",
            waitMs,
            holdMs,
            client: clientAddressOf(request, fieldRules) || undefined,
          }),
        slotWaitMs: proxyLimits.slotWaitMs,
        beginCall: () =>
          proxyLimits
            .breakerOf(origin.origin, headersTimeoutMs)
            .begin(clientAddressOf(request, fieldRules) || undefined),
        headersTimeoutMs,
        arrivedAt,
        retries,
        adapt(headers) {
          // It would let a script of the origin control paths outside the mount.
          headers.delete("Service-Worker-Allowed");
          rewriteAddresses(headers, target, mount);
        },
      });
    let forward: Forward | undefined;
    return {
      engine,
      policy: POLICY,
      // A hit does not ask the origin.
      forward: (url, init) => (forward ??= createForwardOnce())(url, init),
      fieldRules,
      limits,
      sharing,
      maxBodyBytes,
      bodiesInFlight: proxyLimits.bodiesInFlight,
      arrivals,
      fillMarkers,
      invalidate,
      mount,
      invalidations,
    };
  }

  return async function proxy(c, next) {
    const scope = internalScopeOf(c);
    const request = c.req.raw;
    const target = await targetOf(request.url);
    if (target === undefined) return next();
    if (isLooping(request)) return loopDetected(scope);
    if (request.method === "TRACE" && !sharing.forwardsTrace) return traceRefused(scope);
    if (forwardsLeft(request) === 0) {
      setStatus(scope, "strata; detail=max-forwards", "BYPASS");
      return answerAsFinalRecipient(request);
    }
    const proxyOptions = optionsFor(scope, request, target);
    try {
      if (isWebSocketRequest(request)) {
        const response = await forwardWebSocket(
          proxyOptions.forward,
          request,
          target.url,
          fieldRules,
        );
        setStatus(scope, forwardedStatus({ fwd: "bypass", status: response.status }), "BYPASS");
        return response;
      }
      if (request.method === "GET" || request.method === "HEAD")
        return await answerFromCache(proxyOptions, scope, request, target, obeysDirectives);
      const { response, status, stored } = await forwardUnsafe(
        proxyOptions,
        request,
        target,
        scope.ctx,
      );
      setStatus(scope, forwardedStatus({ fwd: "method", status, stored }), "BYPASS");
      return response;
    } catch (error) {
      if (error instanceof CacheUnavailable) return originFailed(scope, error);
      if (error instanceof ClientGone) return clientGone(scope);
      throw error;
    }
  };
}

/** The prefix without a slash at its end. */
function prefixOf({ prefix = "" }: PassThroughOptions): string {
  return prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
}

/** Answers a GET or HEAD: by the entry under the resource's key, or by the variant that its list names. */
async function answerFromCache(
  options: ProxyOptions,
  scope: InternalScope,
  request: Request,
  target: Target,
  obeysDirectives: boolean,
): Promise<Response> {
  const primary = target.key;
  const { sharing, fillMarkers } = options;
  const { ctx } = scope;
  const kindOf = (): string | undefined => requestKindOf(sharing, request.headers);
  let forwarded: Headers | undefined;
  const proxied: ProxiedRequest = {
    request,
    url: target.url,
    groupScope: target.publicOrigin,
    primary,
    forwardedFields: () => (forwarded ??= forwardedHeaders(request, options.fieldRules)),
    fillsCache: () => sharing.fillsFromWhole && !fillMarkers.has(primary, kindOf(), ctx.now()),
    kindOf,
    control: obeysDirectives ? requestControlOf(request.headers) : NO_REQUEST_DIRECTIVES,
    ctx,
  };
  const first = await lookUp(options, proxied, primary, []);
  const variants = first.result.entry === undefined ? variantsOf(first.lookup?.entry) : undefined;
  if (variants === undefined) return responseFor(scope, proxied, first);
  const fields = forwardedReader(request, options.fieldRules, proxied.forwardedFields);
  const key =
    selectVariant(variants, fields)?.key ??
    (await variantKey(primary, likelySelectors(variants, fields)));
  return responseFor(scope, proxied, await lookUp(options, proxied, key, variants));
}
