/** Computes until when a stored response is fresh, may be served stale, may be served on error, and is kept for validation. */
import type { Lifetimes } from "../../core/entry.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import type { FieldReader } from "./fields.ts";
import type { Lifetime } from "./freshness.ts";
import type { ResponseControl } from "./response-control.ts";
import { hasValidator } from "./cacheability.ts";

/** Limits of the cache, for what the response does not say. */
export interface LifetimeLimits {
  /** How long a stale response may be served if the origin cannot be reached (RFC 9111, 4.2.4). */
  readonly disconnectedMs: Millis;
  /** How long a stale response may be served while it is refreshed (RFC 5861, 3). Default 0. */
  readonly staleWhileRevalidateMs?: Millis;
  /** An explicit stale-while-revalidate counts beside s-maxage, as in other CDNs. RFC 9111, 5.2.2.10 forbids it. Default false. */
  readonly staleAfterSMaxAge?: boolean;
  /** How much longer a response with a validator is kept, to be revalidated. */
  readonly validateMs: Millis;
  /** True if a response that is never fresh must not be served stale either. Default false. */
  readonly neverStaleUnlessFresh?: boolean;
  /** How long after its arrival a response is kept at most. */
  readonly maxMs: Millis;
}

/** Whether a stale response must not be sent, also if the origin cannot be reached (RFC 9111, 4.2.4). */
export function forbidsStale(control: ResponseControl): boolean {
  return (
    control.mustRevalidate ||
    control.proxyRevalidate ||
    // RFC 9111, 5.2.2.10: s-maxage implies proxy-revalidate.
    control.sMaxAge !== undefined ||
    control.noCache === true
  );
}

export function lifetimesOf(
  lifetime: Lifetime,
  control: ResponseControl,
  headers: FieldReader,
  born: EpochMs,
  now: EpochMs,
  limits: LifetimeLimits,
): Lifetimes {
  const limited = (at: EpochMs): EpochMs => Math.min(at, now + limits.maxMs);
  const lifetimeMs = lifetime.kind === "silent" ? 0 : lifetime.ms;
  // RFC 9111, 5.2.2.4: a response with no-cache is never fresh.
  const freshUntil = limited(control.noCache === true ? born : born + lifetimeMs);
  const wasNeverFresh = limits.neverStaleUnlessFresh === true && freshUntil <= now;
  const neverStale = wasNeverFresh || forbidsStale(control);
  const mayRevalidate = !neverStale || (!wasNeverFresh && isStaleAllowed(control, limits));
  const revalidateMs = mayRevalidate ? staleWhileRevalidateMs(control, limits) : 0;
  const staleUntil = limited(freshUntil + revalidateMs);
  const errorMs = neverStale ? 0 : staleIfErrorMs(control, limits);
  const errorUntil = Math.max(staleUntil, limited(freshUntil + errorMs));
  const lastUse = Math.max(errorUntil, now);
  const deleteAt = hasValidator(headers) ? limited(lastUse + limits.validateMs) : errorUntil;
  return { freshUntil, staleUntil, errorUntil, deleteAt: Math.max(deleteAt, errorUntil) };
}

/** Whether s-maxage is all that forbids stale responses, and the response asks for them itself. */
function isStaleAllowed(control: ResponseControl, { staleAfterSMaxAge }: LifetimeLimits): boolean {
  const { mustRevalidate, proxyRevalidate, noCache, staleWhileRevalidate } = control;
  return (
    staleAfterSMaxAge === true &&
    staleWhileRevalidate !== undefined &&
    !(mustRevalidate || proxyRevalidate || noCache === true)
  );
}

function staleWhileRevalidateMs(control: ResponseControl, limits: LifetimeLimits): Millis {
  const { staleWhileRevalidate } = control;
  return staleWhileRevalidate === undefined
    ? (limits.staleWhileRevalidateMs ?? 0)
    : staleWhileRevalidate * 1000;
}

/** RFC 5861, 4: stale-if-error applies to an unreachable origin too. */
function staleIfErrorMs(control: ResponseControl, limits: LifetimeLimits): Millis {
  return control.staleIfError === undefined ? limits.disconnectedMs : control.staleIfError * 1000;
}

/** RFC 5861, 4: the statuses that count as an error. */
const ERRORS = new Set([500, 502, 503, 504]);

/**
 * Whether a stale response may be served instead of an error status from the origin:
 * only if stale-if-error in the response or the request allows it (RFC 5861, 4).
 */
export function mayServeOnError(
  status: number,
  control: ResponseControl,
  requestStaleIfError: number | undefined,
  staleForMs: Millis,
): boolean {
  if (!ERRORS.has(status) || forbidsStale(control)) return false;
  const allowedSeconds = Math.max(control.staleIfError ?? -1, requestStaleIfError ?? -1);
  return staleForMs < allowedSeconds * 1000;
}
