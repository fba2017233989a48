/** How old a response is and how long it stays fresh (RFC 9111, 4.2). */
import type { EpochMs, Millis } from "../../core/time.ts";
import { parseDate } from "./dates.ts";
import { deltaSeconds } from "./directives.ts";
import { trimSpace, type FieldReader } from "./fields.ts";
import type { ResponseControl } from "./response-control.ts";

/** When a request for a response was sent, and when its header section had arrived. */
export interface Exchange {
  readonly requestedAt: EpochMs;
  readonly respondedAt: EpochMs;
}

/** The seconds of an Age field: its first member, if that is digits only (RFC 9111, 5.1). */
export function ageSeconds(value: string | null): number {
  if (value === null) return 0;
  const first = trimSpace(value.split(",", 1)[0] ?? "");
  // Directives may be quoted (5.2); Age may not.
  return first.startsWith('"') ? 0 : (deltaSeconds(first) ?? 0);
}

/** When the message originated; when it was received, if it does not say (RFC 9110, 6.6.1). */
function dateOf(headers: FieldReader, respondedAt: EpochMs): EpochMs {
  return parseDate(headers.get("Date"), respondedAt) ?? respondedAt;
}

/**
 * The instant at which the response's age was 0 (RFC 9111, 4.2.3): its age at
 * any time is the time since. Milliseconds, so that nothing is served in the
 * second in which it expires.
 */
export function bornAt(headers: FieldReader, { requestedAt, respondedAt }: Exchange): EpochMs {
  const date = dateOf(headers, respondedAt);
  const behind = Math.floor(respondedAt / 1000) - Math.floor(date / 1000);
  // Date has whole seconds: a difference of one may be a millisecond.
  const apparentAge = behind <= 1 ? 0 : behind * 1000;
  const delay = Math.max(0, respondedAt - requestedAt);
  const correctedAge = ageSeconds(headers.get("Age")) * 1000 + delay;
  return respondedAt - Math.max(apparentAge, correctedAge);
}

/** Statuses that may be kept without explicit freshness (RFC 9110, 15.1). */
const HEURISTIC = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);
const HEURISTIC_SHARE = 0.1;

export type Lifetime =
  | { readonly kind: "explicit"; readonly ms: Millis }
  | { readonly kind: "heuristic"; readonly ms: Millis }
  /** The response says nothing from which a lifetime follows. */
  | { readonly kind: "silent" };

/** The freshness lifetime in a shared cache (RFC 9111, 4.2.1). */
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
  // A targeted field replaces Expires too (RFC 9213, 2.2).
  if (expires !== null && control.source === "plain") {
    // Invalid, "0" among others, means already past; so does a repeated one (5.3).
    const until = parseDate(expires, respondedAt);
    // Less than 0 where it had expired before it was sent: so long has it been stale already.
    return { kind: "explicit", ms: until === undefined ? 0 : until - date };
  }
  const modified = parseDate(headers.get("Last-Modified"), respondedAt);
  if (modified === undefined || modified > date || !isHeuristic(status, control))
    return { kind: "silent" };
  return { kind: "heuristic", ms: (date - modified) * HEURISTIC_SHARE };
}

/** Statuses defined as heuristically cacheable, and responses marked as such (4.2.2). */
export function isHeuristic(status: number, control: ResponseControl): boolean {
  return HEURISTIC.has(status) || control.public;
}
