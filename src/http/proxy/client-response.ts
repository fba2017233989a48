/** Makes the client's response of a lookup, with its cache status. */
import type { Entry } from "../../core/entry.ts";
import type { CacheUnavailable, Fault } from "../../core/faults.ts";
import type { Lookup } from "../../core/lookup.ts";
import {
  cacheStatus,
  forwardedStatus,
  plainStatus,
  type Forwarded,
  type PlainStatus,
} from "../cache/cache-status.ts";
import { problem } from "../cache/problem.ts";
import { serve } from "../cache/serve.ts";
import type { InternalScope } from "../routes/request-scope.ts";
import type { ProxiedLookup } from "./cache-lookup.ts";
import type { ClientResult, ProxiedRequest } from "./proxied-request.ts";

/** @throws {CacheUnavailable} if the lookup failed and the origin's own error response is not at hand. */
export function responseFor(
  scope: InternalScope,
  { request, ctx }: ProxiedRequest,
  { result, lookup, streamed, failure }: ProxiedLookup,
): Response {
  const { response: clientOnly, forwarded } = result;
  if (lookup?.status === "stale-on-error" && lookup.entry !== undefined) {
    // The stored response replaces the error response of the origin.
    if (clientOnly?.body) ctx.defer(clientOnly.body.cancel());
    return fromEntry(scope, request, lookup.entry, lookup);
  }
  if (forwarded !== undefined)
    setStatus(
      scope,
      forwardedStatus({ ...forwarded, stored: isStored(forwarded, result, lookup) }),
      plainStatusOf(forwarded),
    );
  else if (clientOnly !== undefined) setStatus(scope, "strata; detail=only-if-cached", "MISS");
  const response = streamed ?? clientOnly;
  if (response !== undefined) return response;
  const entry = result.entry ?? lookup?.entry;
  if (entry !== undefined && forwarded !== undefined) {
    const served = serve(request, entry, ctx.now(), { reused: false });
    for (const [name, value] of result.privateFields ?? []) served.headers.append(name, value);
    return served;
  }
  if (entry !== undefined && lookup !== undefined) return fromEntry(scope, request, entry, lookup);
  throw failure ?? new Error("a lookup of the proxy ended without a response");
}

function fromEntry(scope: InternalScope, request: Request, entry: Entry, lookup: Lookup): Response {
  const now = scope.ctx.now();
  const response = serve(request, entry, now, { reused: true });
  setStatus(scope, cacheStatus(lookup, response.status, now), plainStatus(lookup));
  return response;
}

/** Whether the response has been stored when its header section is sent. A body that is still arriving has not. */
function isStored(
  { storable }: Forwarded,
  { storedElsewhere }: ClientResult,
  lookup: Lookup | undefined,
): boolean {
  return storable === true && (storedElsewhere === true || lookup?.stored === true);
}

function plainStatusOf({ revalidated, storable }: Forwarded): PlainStatus {
  if (revalidated === true) return "REVALIDATED";
  return storable === true ? "MISS" : "BYPASS";
}

/** Sets what the response says in `Cache-Status` and `X-Cache-Status`. */
export function setStatus(scope: InternalScope, member: string, plain: PlainStatus): void {
  scope.cacheStatusOverride = { member, plain };
}

/** The 508 for a request that passed this cache too often: the origin leads back to this Worker. */
export function loopDetected(scope: InternalScope): Response {
  setStatus(scope, "strata; detail=loop", "BYPASS");
  return problem({
    status: 508,
    type: "loop",
    title: "Loop Detected",
    detail:
      "The request has passed this cache too often. ORIGIN_URL seems to lead back to this Worker.",
  });
}

/** The 405 for TRACE, whose response would show a script the fields that browsers keep from it (RFC 9110, 9.3.8). */
export function traceRefused(scope: InternalScope): Response {
  setStatus(scope, "strata; detail=trace", "BYPASS");
  return problem({
    status: 405,
    type: "method-not-allowed",
    title: "Method Not Allowed",
    detail: "This cache does not forward TRACE.",
    headers: { Allow: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" },
  });
}

/** The 499 to a client that left before it had sent its whole body. Only telemetry sees it. */
export function clientGone(scope: InternalScope): Response {
  setStatus(scope, "strata; fwd=method; detail=client-closed", "BYPASS");
  return problem({
    status: 499,
    type: "client-closed",
    title: "Client Closed Request",
    detail: "The client closed the connection before it had sent the whole body.",
  });
}

/** The 502, 503 or 504 if the origin gave no valid answer and no stored response may replace it. */
export function originFailed(scope: InternalScope, { fault }: CacheUnavailable): Response {
  if (fault.code === "origin.saturated" || fault.code === "origin.open")
    return notAsked(scope, fault);
  const isTimeout = fault.code === "origin.timeout";
  const detail = isTimeout ? "timeout" : "unreachable";
  setStatus(scope, `strata; fwd=uri-miss; detail=${detail}`, "MISS");
  return problem({
    status: isTimeout ? 504 : 502,
    type: "origin-unavailable",
    title: isTimeout ? "Gateway Timeout" : "Bad Gateway",
    detail: isTimeout ? "The origin did not answer in time." : "The origin gave no valid answer.",
  });
}

/**
 * The 503 if no slot was free in time, or if the breaker of the origin is open. The origin was not
 * asked, so that `Cache-Status` has no `fwd`.
 */
function notAsked(scope: InternalScope, { code, retryAfterMs = 0 }: Fault): Response {
  const isOpen = code === "origin.open";
  setStatus(scope, `strata; detail=${isOpen ? "open" : "saturated"}`, "BYPASS");
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return problem({
    status: 503,
    type: "origin-unavailable",
    title: "Service Unavailable",
    detail: isOpen
      ? "The origin has failed, and is asked again soon."
      : "Too many requests wait for the origin.",
    headers: { "Retry-After": String(seconds) },
  });
}
