/** Computes a response's age and freshness lifetime (RFC 9111, 4.2). */
import type { EpochMs, Millis } from "../../core/time.ts";
import { parseDate } from "../../core/http-date.ts";
import { parseDeltaSeconds } from "./directives.ts";
import { trimSpace, type FieldReader } from "./fields.ts";
import type { ResponseControl } from "./response-control.ts";

/** The instants at which the request was sent and at which the header section of its response had arrived. */
export interface ExchangeTimes {
  readonly requestedAt: EpochMs;
  readonly respondedAt: EpochMs;
}

/** Parses the field Age to seconds: its first member if that has only digits, otherwise 0 (RFC 9111, 5.1). */
export function parseAge(value: string | null): number {
  if (value === null) return 0;
  const first = trimSpace(value.split(",", 1)[0] ?? "");
  // The argument of a directive may be quoted, but Age may not.
  return first.startsWith('"') ? 0 : (parseDeltaSeconds(first) ?? 0);
}

/**
 * Returns the instant in the field Date. If Date is absent or invalid, returns the instant of
 * reception (RFC 9110, 6.6.1).
 */
function dateOf(headers: FieldReader, respondedAt: EpochMs): EpochMs {
  return parseDate(headers.get("Date"), respondedAt) ?? respondedAt;
}

/**
 * Returns the instant at which the response's age was 0 (RFC 9111, 4.2.3): its current age is the
 * time since then. The instant is exact to the millisecond, so that a response is not served in the
 * rest of the second in which it expires.
 */
export function bornAt(headers: FieldReader, { requestedAt, respondedAt }: ExchangeTimes): EpochMs {
  const date = dateOf(headers, respondedAt);
  const secondsBehind = Math.floor(respondedAt / 1000) - Math.floor(date / 1000);
  // Date has whole seconds, so a difference of 1 s between two dates can stand for as little as 1
  // ms.
  const apparentAge = secondsBehind <= 1 ? 0 : secondsBehind * 1000;
  const delay = Math.max(0, respondedAt - requestedAt);
  const correctedAge = parseAge(headers.get("Age")) * 1000 + delay;
  return respondedAt - Math.max(apparentAge, correctedAge);
}

/** The status codes that are heuristically cacheable (RFC 9110, 15.1). */
const HEURISTIC = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);
/** A heuristic lifetime is this share of the time since Last-Modified, as RFC 9111, 4.2.2 suggests. */
const HEURISTIC_SHARE = 0.1;

export type Lifetime =
  | { readonly kind: "explicit"; readonly ms: Millis }
  | { readonly kind: "heuristic"; readonly ms: Millis }
  /** The response states no lifetime, and no heuristic applies. */
  | { readonly kind: "silent" };

/**
 * Returns the freshness lifetime in a shared cache: from s-maxage, max-age, Expires, or a heuristic
 * (RFC 9111, 4.2.1 and 4.2.2).
 */
export function lifetimeOf(
  status: number,
  headers: FieldReader,
  control: ResponseControl,
  respondedAt: EpochMs,
): Lifetime {
  const seconds = control.sMaxAge ?? control.maxAge;
  if (seconds !== undefined) return { kind: "explicit", ms: seconds * 1000 };
  const date = dateOf(headers, respondedAt);
  const expires = headers.get("Expires");
  // RFC 9213, 2.2: a targeted field replaces Expires too, so Expires is used only without one.
  if (expires !== null && control.source === "plain") {
    // RFC 9111, 5.3: an invalid or repeated Expires means that the response has already expired.
    const until = parseDate(expires, respondedAt);
    // The lifetime is negative if the response had expired before it was sent.
    return { kind: "explicit", ms: until === undefined ? 0 : until - date };
  }
  const modified = parseDate(headers.get("Last-Modified"), respondedAt);
  if (modified === undefined || modified > date || !isHeuristic(status, control))
    return { kind: "silent" };
  return { kind: "heuristic", ms: (date - modified) * HEURISTIC_SHARE };
}

/**
 * Returns whether a heuristic may be used: it needs a heuristically cacheable status, or `public`
 * (RFC 9111, 4.2.2).
 */
export function isHeuristic(status: number, control: ResponseControl): boolean {
  return HEURISTIC.has(status) || control.public;
}
