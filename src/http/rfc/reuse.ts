/** Applies request directives to a stored response (RFC 9111, 4 and 5.2.1). */
import type { Freshness } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import type { RequestControl } from "./request-control.ts";

/** The instants of a stored response that reuse depends on. */
export interface StoredInstants {
  readonly bornAt: EpochMs;
  readonly freshUntil: EpochMs;
  readonly staleUntil: EpochMs;
  readonly errorUntil: EpochMs;
  readonly deleteAt: EpochMs;
}

/**
 * The freshness of a stored response for a request with these directives. `forbidsStale`
 * says whether the response must not be used stale; it is called only if the request
 * accepts a stale response.
 */
export function freshnessForRequest(
  stored: StoredInstants,
  request: RequestControl,
  now: EpochMs,
  forbidsStale: () => boolean,
): Freshness {
  if (now >= stored.deleteAt) return "expired";
  // RFC 9111, 5.2.1.4: no-cache needs a successful validation.
  if (request.noCache) return "kept";
  if (!meetsAgeLimits(stored, request, now)) return now < stored.errorUntil ? "error-only" : "kept";
  if (now < stored.freshUntil) return "fresh";
  // RFC 9111, 5.2.1.2.
  const { maxStale } = request;
  if (maxStale !== undefined && now - stored.freshUntil <= maxStale * 1000 && !forbidsStale())
    return "fresh";
  if (now < stored.staleUntil) return "revalidate";
  return now < stored.errorUntil ? "error-only" : "kept";
}

/** RFC 9111, 5.2.1.1 and 5.2.1.3: no older than max-age, and fresh for at least min-fresh seconds more. */
function meetsAgeLimits(stored: StoredInstants, request: RequestControl, now: EpochMs): boolean {
  const { maxAge, minFresh } = request;
  // max-age=0 asks for validation, also of a response that is less than a millisecond old.
  if (maxAge === 0 || (maxAge !== undefined && now - stored.bornAt > maxAge * 1000)) return false;
  return minFresh === undefined || stored.freshUntil - now >= minFresh * 1000;
}
