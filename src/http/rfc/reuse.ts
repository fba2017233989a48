/** Whether a stored response may answer a request as it is (RFC 9111, 4 and 5.2.1). */
import type { Freshness } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import type { RequestControl } from "./request-control.ts";

/** A stored response as far as reuse depends on it. */
export interface Reusable {
  readonly bornAt: EpochMs;
  readonly freshUntil: EpochMs;
  readonly staleUntil: EpochMs;
  readonly errorUntil: EpochMs;
  readonly deleteAt: EpochMs;
}

/**
 * Where a stored response stands for this request. `staleForbidden` is asked
 * only if the request would take a stale one.
 */
export function reuseOf(
  stored: Reusable,
  request: RequestControl,
  now: EpochMs,
  staleForbidden: () => boolean,
): Freshness {
  if (now >= stored.deleteAt) return "expired";
  // 5.2.1.4: not without successful validation.
  if (request.noCache) return "kept";
  if (!isYoungEnough(stored, request, now)) return now < stored.errorUntil ? "error-only" : "kept";
  if (now < stored.freshUntil) return "fresh";
  const { maxStale } = request;
  if (maxStale !== undefined && now - stored.freshUntil <= maxStale * 1000 && !staleForbidden())
    return "fresh";
  if (now < stored.staleUntil) return "revalidate";
  return now < stored.errorUntil ? "error-only" : "kept";
}

/** 5.2.1.1 and 5.2.1.3: no older than max-age, and fresh for min-fresh more. */
function isYoungEnough(stored: Reusable, request: RequestControl, now: EpochMs): boolean {
  const { maxAge, minFresh } = request;
  // A response of this very millisecond is not what max-age=0 asks for.
  if (maxAge === 0 || (maxAge !== undefined && now - stored.bornAt > maxAge * 1000)) return false;
  return minFresh === undefined || stored.freshUntil - now >= minFresh * 1000;
}
