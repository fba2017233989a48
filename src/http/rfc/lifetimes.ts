/** The instants of a stored response's life: fresh, served stale, served on error, kept to be validated. */
import type { Lifetimes } from "../../core/entry.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import type { FieldReader } from "./fields.ts";
import type { Lifetime } from "./freshness.ts";
import type { ResponseControl } from "./response-control.ts";
import { hasValidator } from "./cacheability.ts";

export interface KeepLimits {
  /** How long past its freshness a response may answer for an origin that cannot be reached (4.2.4). */
  readonly disconnectedMs: Millis;
  /** How long it may be served while it is refreshed, where it does not say. Default 0. */
  readonly staleWhileRevalidateMs?: Millis;
  /** How long past its use a response with a validator is kept. */
  readonly validateMs: Millis;
  /** Nothing is kept longer; its age is what it is. */
  readonly maxMs: Millis;
}

/** Whether a stale response must not be sent, whatever the reason (4.2.4). */
export function forbidsStale(control: ResponseControl): boolean {
  return (
    control.mustRevalidate ||
    control.proxyRevalidate ||
    // 5.2.2.10: it has the meaning of proxy-revalidate in it.
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
  limits: KeepLimits,
): Lifetimes {
  const kept = (at: EpochMs): EpochMs => Math.min(at, now + limits.maxMs);
  const lifetimeMs = lifetime.kind === "silent" ? 0 : lifetime.ms;
  // no-cache: fresh for nobody (5.2.2.4).
  const freshUntil = kept(control.noCache === true ? born : born + lifetimeMs);
  const strict = forbidsStale(control);
  const swrMs = strict ? 0 : revalidateMs(control, limits);
  const staleUntil = kept(freshUntil + swrMs);
  const errorMs = strict ? 0 : disconnectedMs(control, limits);
  const errorUntil = Math.max(staleUntil, kept(freshUntil + errorMs));
  const useful = Math.max(errorUntil, now);
  const deleteAt = hasValidator(headers) ? kept(useful + limits.validateMs) : errorUntil;
  return { freshUntil, staleUntil, errorUntil, deleteAt: Math.max(deleteAt, errorUntil) };
}

function revalidateMs(control: ResponseControl, limits: KeepLimits): Millis {
  const { staleWhileRevalidate } = control;
  return staleWhileRevalidate === undefined
    ? (limits.staleWhileRevalidateMs ?? 0)
    : staleWhileRevalidate * 1000;
}

/** What the response says of errors counts for a lost connection too (RFC 5861, 4). */
function disconnectedMs(control: ResponseControl, limits: KeepLimits): Millis {
  return control.staleIfError === undefined ? limits.disconnectedMs : control.staleIfError * 1000;
}

const ERRORS = new Set([500, 502, 503, 504]);

/**
 * Whether a stale response may stand in for an error that the origin answered
 * with: only where the response or the request says so (RFC 5861, 4).
 */
export function standsInFor(
  status: number,
  control: ResponseControl,
  requestSeconds: number | undefined,
  staleForMs: Millis,
): boolean {
  if (!ERRORS.has(status) || forbidsStale(control)) return false;
  const seconds = Math.max(control.staleIfError ?? -1, requestSeconds ?? -1);
  return staleForMs < seconds * 1000;
}
