/** A shared cache before an HTTP origin: RFC 9111 and its extensions, and no policy of its own. */
import type { Context as HonoContext, Handler } from "hono";
import { CacheUnavailable } from "../../core/faults.ts";
import { definePolicy, MAX_LIFETIME_MS } from "../../core/policy.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { Variant } from "../../core/entry.ts";
import { cacheStatus, forwardedStatus, plainStatus } from "../cache/cache-status.ts";
import { notCached, problem } from "../cache/problem.ts";
import { requestControlOf } from "../rfc/request-control.ts";
import { forbidsStale, type KeepLimits } from "../rfc/lifetimes.ts";
import { controlOf } from "../rfc/response-control.ts";
import { readerOf } from "../rfc/field-reader.ts";
import { reuseOf } from "../rfc/reuse.ts";
import { internalScopeOf } from "../routes/middleware.ts";
import type { InternalScope, StrataEnv } from "../routes/request-scope.ts";
import { hasPartFor, serve } from "../cache/serve.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import { NOT_STORED } from "../cache/cacheable-response.ts";
import {
  createUnattended,
  loadFrom,
  type Asked,
  type ExchangeOptions,
  type Own,
} from "./exchange.ts";
import { flightScopeOf } from "./flight-scope.ts";
import { createForward, forwardedHeaders, forwardedReader, isLooping } from "./forward.ts";
import { answerAsLast, forwardsLeft } from "./max-forwards.ts";
import { createInvalidate, type Recovering } from "./invalidation-retry.ts";
import { originKey, targetOf, type Target } from "./target.ts";
import { handOn, type UnsafeOptions } from "./unsafe-methods.ts";

export interface PassThroughOptions {
  /** Where the origin is; a path in it is put before every request's. */
  readonly origin: URL;
  /** The path under which the origin's root is served. Default: the root. */
  readonly prefix?: string;
  readonly invalidator: Recovering & {
    ensureCurrent(start: number, windowMs: number, ctx: InternalScope["ctx"]): unknown;
  };
  /** Bodies over this pass through and are not kept. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** How the origin is reached. Default: the platform's fetch. */
  readonly fetch?: (url: URL, init: RequestInit) => Promise<Response>;
  /** Whether clients may ask for validation, other ages, or what is stored alone (RFC 9111, 5.2.1). Default true. */
  readonly requestDirectives?: boolean;
}

const LIMITS: KeepLimits = {
  disconnectedMs: 3_600_000,
  validateMs: 86_400_000,
  maxMs: MAX_LIFETIME_MS,
};
const HEADERS_TIMEOUT_MS = 20_000;

/** Lifetimes are the responses' own; the rest is how the engine goes about it. */
const POLICY = definePolicy({
  freshFor: "1m",
  jitter: 0,
  flight: "isolate",
  flightTimeout: "5s",
  originTimeout: "30s",
});

/**
 * Serves an HTTP origin through the cache.
 *
 * @example app.all("/origin/*", passThrough({ origin: new URL("https://example.com"), prefix: "/origin", invalidator }))
 */
export function passThrough(options: PassThroughOptions): Handler<StrataEnv> {
  const { origin, prefix = "", invalidator, maxBodyBytes = 4 * 1024 * 1024 } = options;
  const mount = { origin, prefix };
  const invalidate = createInvalidate(invalidator);

  function optionsOf({ engine, ctx }: InternalScope): UnsafeOptions {
    return {
      engine,
      policy: POLICY,
      forward: createForward({
        fetch: options.fetch ?? ((url, init) => fetch(url, init)),
        now: ctx.now,
        headersTimeoutMs: HEADERS_TIMEOUT_MS,
      }),
      limits: LIMITS,
      maxBodyBytes,
      mount,
      invalidate,
      sync: async (of) => invalidator.ensureCurrent(of.now(), 0, of),
    };
  }

  return async function pass(c) {
    const scope = internalScopeOf(c);
    const request = c.req.raw;
    if (isLooping(request)) return loopDetected(scope);
    if (forwardsLeft(request) === 0) {
      scope.cacheStatusOverride = { member: "strata; detail=max-forwards", plain: "BYPASS" };
      return answerAsLast(request);
    }
    const target = targetOf(request.url, mount);
    const exchange = optionsOf(scope);
    try {
      if (request.method === "GET" || request.method === "HEAD")
        return await cachedAnswer(exchange, c, target, options.requestDirectives ?? true);
      const { response, status, stored } = await handOn(exchange, request, target, scope.ctx);
      const member = forwardedStatus({ fwd: "method", status, stored });
      scope.cacheStatusOverride = { member, plain: "BYPASS" };
      return response;
    } catch (error) {
      if (error instanceof CacheUnavailable) return noAnswer(scope, error);
      throw error;
    }
  };
}

async function cachedAnswer(
  options: ExchangeOptions,
  c: HonoContext<StrataEnv>,
  target: Target,
  requestDirectives: boolean,
): Promise<Response> {
  const scope = internalScopeOf(c);
  const request = c.req.raw;
  const primary = await originKey(target.publicOrigin, target.url);
  let forwarded: Headers | undefined;
  const asked: Asked = {
    request,
    url: target.url,
    scope: target.publicOrigin,
    primary,
    forwarded: () => (forwarded ??= forwardedHeaders(request)),
    demands: requestControlOf(requestDirectives ? request.headers : new Headers()),
    ctx: scope.ctx,
  };
  const first = await look(options, asked, primary, []);
  const variants = first.own.entry === undefined ? variantsOf(first.lookup?.entry) : undefined;
  if (variants === undefined || first.early !== undefined) return finish(scope, asked, first);
  const fields = forwardedReader(request, asked.forwarded);
  const chosen = selectVariant(variants, fields);
  const key = chosen?.key ?? (await variantKey(primary, likelySelectors(variants, fields)));
  return finish(scope, asked, await look(options, asked, key, variants));
}

interface Looked {
  readonly own: Own;
  readonly lookup?: Lookup;
  readonly early?: Response;
  readonly failure?: CacheUnavailable;
}

/** Looks `key` up; the origin's answer may be under way to the client before it is stored. */
async function look(
  options: ExchangeOptions,
  asked: Asked,
  key: string,
  known: readonly Variant[],
): Promise<Looked> {
  const { request, demands, ctx } = asked;
  const early = Promise.withResolvers<Response>();
  const own: Own = { early, settled: () => running.then(nothing, nothing) };
  const running: Promise<Lookup> = options.engine.lookup(
    key,
    options.policy,
    {
      freshnessOf(entry, now) {
        if (variantsOf(entry) !== undefined) return now < entry.deleteAt ? "fresh" : "expired";
        if (!hasPartFor(request, entry, now)) return now < entry.deleteAt ? "kept" : "expired";
        const bornAt = entry.http?.bornAt ?? entry.storedAt;
        return reuseOf({ ...entry, bornAt }, demands, now, () =>
          forbidsStale(controlOf(readerOf(entry.http?.headers ?? []))),
        );
      },
      flightScopeOf: (stored, ended) => flightScopeOf(request, stored, ended),
      load: async (_signal, held) => {
        if (demands.onlyIfCached) {
          own.response = notCached();
          return NOT_STORED;
        }
        // The client may have its answer, or be gone, before what was loaded is stored.
        ctx.defer(own.settled());
        return loadFrom(options, asked, key, known, held, own);
      },
      // Nobody waits for it: what it finds for its own client goes nowhere.
      refresh: async (_signal, held) => {
        const unattended = createUnattended();
        const loaded = await loadFrom(options, asked, key, known, held, unattended);
        await unattended.response?.body?.cancel();
        return loaded;
      },
    },
    ctx,
  );
  try {
    return await Promise.race([
      running.then((lookup) => ({ own, lookup })),
      early.promise.then((response) => ({ own, early: response })),
    ]);
  } catch (error) {
    if (error instanceof CacheUnavailable) return { own, failure: error };
    throw error;
  }
}

const nothing = (): void => undefined;

/** The response for the client, and what it says of itself. */
function finish(scope: InternalScope, asked: Asked, looked: Looked): Response {
  const { own, lookup, early, failure } = looked;
  const { request, ctx } = asked;
  const theirs = own.response;
  if (lookup?.status === "stale-on-error" && lookup.entry !== undefined) {
    // The stored response stands in for the error that the origin answered with.
    if (theirs?.body) ctx.defer(theirs.body.cancel());
    return fromEntry(scope, request, lookup.entry, lookup);
  }
  const { forwarded } = own;
  if (forwarded !== undefined)
    scope.cacheStatusOverride = {
      member: forwardedStatus(forwarded),
      plain:
        forwarded.revalidated === true
          ? "REVALIDATED"
          : forwarded.stored === true
            ? "MISS"
            : "BYPASS",
    };
  else if (theirs !== undefined)
    scope.cacheStatusOverride = { member: "strata; detail=only-if-cached", plain: "MISS" };
  const response = early ?? theirs;
  if (response !== undefined) return response;
  const entry = own.entry ?? lookup?.entry;
  if (entry !== undefined && forwarded !== undefined) {
    const served = serve(request, entry, ctx.now(), { reused: false });
    for (const [name, value] of own.fields ?? []) served.headers.append(name, value);
    return served;
  }
  if (entry !== undefined && lookup !== undefined) return fromEntry(scope, request, entry, lookup);
  throw failure ?? new Error("a lookup without an answer");
}

function fromEntry(
  scope: InternalScope,
  request: Request,
  entry: Lookup["entry"] & object,
  lookup: Lookup,
): Response {
  const now = scope.ctx.now();
  const response = serve(request, entry, now, { reused: true });
  scope.cacheStatusOverride = {
    member: cacheStatus(lookup, response.status, now),
    plain: plainStatus(lookup),
  };
  return response;
}

/** The origin is this Worker, or leads back to it: it would ask itself for ever. */
function loopDetected(scope: InternalScope): Response {
  scope.cacheStatusOverride = { member: "strata; detail=loop", plain: "BYPASS" };
  return problem({
    status: 508,
    type: "loop",
    title: "Loop Detected",
    detail: "The request has passed here too often; ORIGIN_URL seems to lead back to this Worker.",
  });
}

function noAnswer(scope: InternalScope, { fault }: CacheUnavailable): Response {
  const late = fault.code === "origin.timeout";
  scope.cacheStatusOverride = {
    member: `strata; fwd=uri-miss; detail=${late ? "timeout" : "unreachable"}`,
    plain: "MISS",
  };
  return problem({
    status: late ? 504 : 502,
    type: "origin-unavailable",
    title: late ? "Gateway Timeout" : "Bad Gateway",
    detail: late ? "The origin did not answer in time." : "The origin gave no valid answer.",
  });
}
