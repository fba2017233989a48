/**
 * A shared cache in front of an HTTP origin (RFC 9111). Lifetimes come from the responses;
 * the proxy adds none. A request takes these steps:
 *
 * 1. A request that loops, or whose Max-Forwards is 0, is answered here.
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
import {
  DEFAULT_CREDENTIAL_HEADERS,
  sharingRules,
  type SharingMode,
} from "../cache/sharing-rules.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import type { LifetimeLimits } from "../rfc/lifetimes.ts";
import { NO_REQUEST_DIRECTIVES, requestControlOf } from "../rfc/request-control.ts";
import { internalScopeOf } from "../routes/middleware.ts";
import type { InternalScope, StrataEnv } from "../routes/request-scope.ts";
import { lookUp } from "./cache-lookup.ts";
import { loopDetected, originFailed, responseFor, setStatus } from "./client-response.ts";
import { createFillMarkers } from "./fill-markers.ts";
import { requestKindOf } from "./flight-scope.ts";
import { createForward, forwardedHeaders, forwardedReader, isLooping } from "./forward.ts";
import { createInvalidationBatches } from "./invalidation-batches.ts";
import { createRetryingInvalidate, type RecoveringInvalidator } from "./invalidation-retry.ts";
import { answerAsFinalRecipient, forwardsLeft } from "./max-forwards.ts";
import type { ProxiedRequest, ProxyOptions } from "./proxied-request.ts";
import { originKey, targetOf, type Target } from "./target.ts";
import { forwardUnsafe, type UnsafeOptions } from "./unsafe-methods.ts";

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
  readonly sharing?: SharingMode;
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
}

const LIMITS: LifetimeLimits = {
  disconnectedMs: 3_600_000,
  validateMs: 86_400_000,
  maxMs: MAX_LIFETIME_MS,
};
const HEADERS_TIMEOUT = "20s";

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
  const { origin, prefix = "", invalidator, requestDirectives = true } = options;
  const { maxBodyBytes = 4 * 1024 * 1024, headersTimeout = HEADERS_TIMEOUT } = options;
  const headersTimeoutMs = toMillis(headersTimeout, "headersTimeout");
  const { sharing: mode = "safe", credentialHeaders = DEFAULT_CREDENTIAL_HEADERS } = options;
  const sharing = sharingRules(mode, credentialHeaders);
  const obeysDirectives = sharing.requestDirectives && requestDirectives;
  const mount = { origin, prefix };
  const invalidate = createRetryingInvalidate(invalidator);
  const fillMarkers = createFillMarkers();
  const invalidations = createInvalidationBatches({
    invalidate,
    mark: (keys) => invalidator.markInvalidated(keys),
    sync: async (ctx) => invalidator.ensureCurrent(ctx.now(), 0, ctx),
  });

  function optionsFor({ engine, ctx }: InternalScope): UnsafeOptions {
    return {
      engine,
      policy: POLICY,
      forward: createForward({
        fetch: options.fetch ?? ((url, init) => fetch(url, init)),
        now: ctx.now,
        headersTimeoutMs,
        arrivedAt: ctx.now(),
      }),
      limits: LIMITS,
      sharing,
      maxBodyBytes,
      fillMarkers,
      mount,
      invalidations,
    };
  }

  return async function proxy(c) {
    const scope = internalScopeOf(c);
    const request = c.req.raw;
    if (isLooping(request)) return loopDetected(scope);
    if (forwardsLeft(request) === 0) {
      setStatus(scope, "strata; detail=max-forwards", "BYPASS");
      return answerAsFinalRecipient(request);
    }
    const target = targetOf(request.url, mount);
    const proxyOptions = optionsFor(scope);
    try {
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
      throw error;
    }
  };
}

/** Answers a GET or HEAD: by the entry under the resource's key, or by the variant that its list names. */
async function answerFromCache(
  options: ProxyOptions,
  scope: InternalScope,
  request: Request,
  target: Target,
  obeysDirectives: boolean,
): Promise<Response> {
  const primary = await originKey(target.publicOrigin, target.url);
  const { sharing, fillMarkers } = options;
  const { ctx } = scope;
  const kindOf = (): string | undefined => requestKindOf(sharing, request.headers);
  let forwarded: Headers | undefined;
  const proxied: ProxiedRequest = {
    request,
    url: target.url,
    groupScope: target.publicOrigin,
    primary,
    forwardedFields: () => (forwarded ??= forwardedHeaders(request)),
    fillsCache: () => sharing.fillsFromWhole && !fillMarkers.has(primary, kindOf(), ctx.now()),
    kindOf,
    control: obeysDirectives ? requestControlOf(request.headers) : NO_REQUEST_DIRECTIVES,
    ctx,
  };
  const first = await lookUp(options, proxied, primary, []);
  const variants = first.result.entry === undefined ? variantsOf(first.lookup?.entry) : undefined;
  if (variants === undefined) return responseFor(scope, proxied, first);
  const fields = forwardedReader(request, proxied.forwardedFields);
  const key =
    selectVariant(variants, fields)?.key ??
    (await variantKey(primary, likelySelectors(variants, fields)));
  return responseFor(scope, proxied, await lookUp(options, proxied, key, variants));
}
