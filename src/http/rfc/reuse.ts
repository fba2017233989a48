/** Applies request directives to a stored response (RFC 9111, 4 and 5.2.1). */
import type { Freshness } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import type { RequestControl } from "./request-control.ts";

/** The instants of a stored response on which its reuse depends. */
export interface StoredInstants {
  readonly bornAt: EpochMs;
  readonly freshUntil: EpochMs;
  readonly staleUntil: EpochMs;
  readonly errorUntil: EpochMs;
  readonly deleteAt: EpochMs;
}

/**
 * Returns the freshness of a stored response for a request with these directives. `forbidsStale`
 * returns whether the response must not be used when it is stale. It is called only if the request
 * accepts a stale response.
 */
export function freshnessForRequest(
  stored: StoredInstants,
  request: RequestControl,
  now: EpochMs,
  forbidsStale: () => boolean,
): Freshness {
  if (now >= stored.deleteAt) return "expired";
  // RFC 9111, 5.2.1.4: with no-cache, the response may be used only after a successful validation.
  if (request.noCache) return "kept";
  if (!meetsAgeLimits(stored, request, now)) return now < stored.errorUntil ? "error-only" : "kept";
  if (now < stored.freshUntil) return "fresh";
  // RFC 9111, 5.2.1.2: max-stale accepts a response that is stale for at most this many seconds.
  const { maxStale } = request;
  if (maxStale !== undefined && now - stored.freshUntil <= maxStale * 1000 && !forbidsStale())
    return "fresh";
  if (now < stored.staleUntil) return "revalidate";
  return now < stored.errorUntil ? "error-only" : "kept";
}

/**
 * Returns whether the response is at most max-age seconds old, and stays fresh for at least
 * min-fresh seconds (RFC 9111, 5.2.1.1 and 5.2.1.3).
 */
function meetsAgeLimits(stored: StoredInstants, request: RequestControl, now: EpochMs): boolean {
  const { maxAge, minFresh } = request;
  // max-age=0 always asks for validation. The comparison alone would accept a response of the same
  // millisecond.
  if (maxAge === 0 || (maxAge !== undefined && now - stored.bornAt > maxAge * 1000)) return false;
  return minFresh === undefined || stored.freshUntil - now >= minFresh * 1000;
}
