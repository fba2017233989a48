/** The response fields that tell a client how the cache answered: `Cache-Status` (RFC 9211) and `X-Cache-Status`. */
import type { Lookup } from "../../core/lookup.ts";
import type { EpochMs } from "../../core/time.ts";

export interface CacheStatusFields {
  /** The value that this cache adds to `Cache-Status`. */
  readonly member: string;
  /** The value of `X-Cache-Status`. */
  readonly plain: PlainStatus;
}

/** The values of `X-Cache-Status`. */
export type PlainStatus = "HIT" | "MISS" | "STALE" | "REVALIDATED" | "BYPASS";

/**
 * Returns the `Cache-Status` member for a lookup. `unreachable` and `unconfirmed` are parameters of our
 * own. `unreachable` means that the invalidation log could not be asked, so the coherence bound does
 * not hold for this response. `unconfirmed` means that an unconfirmed write may have changed it.
 */
export function cacheStatus(lookup: Lookup, responseStatus: number, now: EpochMs): string {
  let member = outcomeOf(lookup, responseStatus, now);
  if (lookup.unreachable) member += "; unreachable";
  if (lookup.unconfirmed === true) member += "; unconfirmed";
  return member;
}

function outcomeOf(lookup: Lookup, responseStatus: number, now: EpochMs): string {
  const { entry, status } = lookup;
  const ttl = entry === undefined ? undefined : Math.floor((entry.freshUntil - now) / 1000);
  switch (status) {
    case "hit-memory":
    case "hit-edge":
    case "hit-redis":
    case "stale":
      return `strata; hit; ttl=${ttl}; detail=${lookup.tier}`;
    case "stale-on-error":
      return `strata; hit; ttl=${ttl}; detail=stale-on-error`;
    case "miss":
    case "joined": {
      const fwd = lookup.renewed === true ? "stale" : "uri-miss";
      const forwarded = `strata; fwd=${fwd}; fwd-status=${entry?.http?.status ?? responseStatus}`;
      const stored = lookup.stored ? "; stored" : "";
      return forwarded + stored + (status === "joined" ? "; collapsed" : "");
    }
    case "bypass":
      return `strata; fwd=bypass; fwd-status=${responseStatus}`;
  }
}

/** A request that was forwarded to the origin, and the origin's answer, as `Cache-Status` reports them. */
export interface Forwarded {
  /** The reason for which the request was forwarded (RFC 9211, 2.2). */
  readonly fwd: "uri-miss" | "vary-miss" | "stale" | "partial" | "request" | "method" | "bypass";
  readonly status: number;
  /** The response may be stored. */
  readonly storable?: boolean;
  /** The response has been stored. */
  readonly stored?: boolean;
  /** The request waited for another one to the origin (RFC 9211, 2.6). */
  readonly collapsed?: boolean;
  /** The response is that of an earlier request, and the invalidation log could not be asked about it. */
  readonly unreachable?: boolean;
  /** True if the origin confirmed the stored response with a 304. */
  readonly revalidated?: boolean;
}

/** Returns the `Cache-Status` member for a request that the origin answered. */
export function forwardedStatus(forwarded: Forwarded): string {
  const { fwd, status, stored, collapsed, unreachable } = forwarded;
  const parts = ["strata", `fwd=${fwd}`, `fwd-status=${status}`];
  if (stored === true) parts.push("stored");
  if (collapsed === true) parts.push("collapsed");
  if (unreachable === true) parts.push("unreachable");
  return parts.join("; ");
}

/** Removes from a member what it tells about tiers and dependencies. Hit or miss and the lifetime stay. */
export function withoutDetail(
  fields: CacheStatusFields | undefined,
): CacheStatusFields | undefined {
  if (fields === undefined) return undefined;
  return {
    ...fields,
    member: fields.member.replaceAll(/; (?:detail=[^;]*|unreachable|unconfirmed)/g, ""),
  };
}

/** Returns the value of `X-Cache-Status` for a lookup. */
export function plainStatus(lookup: Lookup): PlainStatus {
  switch (lookup.status) {
    case "hit-memory":
    case "hit-edge":
    case "hit-redis":
      return "HIT";
    case "stale":
    case "stale-on-error":
      return "STALE";
    case "miss":
    case "joined":
      return "MISS";
    case "bypass":
      return "BYPASS";
  }
}

/**
 * Returns the lookup that the fields report if a request made several: the one with the most
 * expensive status. It is marked `unreachable` and `unconfirmed` if any of them is.
 */
export function reportedLookup(lookups: readonly Lookup[]): Lookup | undefined {
  if (lookups.length < 2) return lookups[0];
  const cost = (lookup: Lookup): number => BY_COST.indexOf(lookup.status);
  const reported = lookups.reduce<Lookup | undefined>(
    (most, next) => (most === undefined || cost(next) > cost(most) ? next : most),
    undefined,
  );
  return reported && withMark(reported, lookups);
}

/** Marks a lookup `unreachable` or `unconfirmed` if one of the others, of which the answer was made too, is. */
export function withMark(lookup: Lookup, others: readonly Lookup[]): Lookup {
  if (others.length === 0) return lookup;
  const unreachable = lookup.unreachable || others.some((other) => other.unreachable);
  const unconfirmed = [lookup, ...others].some((one) => one.unconfirmed === true);
  if (unreachable === lookup.unreachable && unconfirmed === (lookup.unconfirmed === true))
    return lookup;
  return { ...lookup, unreachable, unconfirmed };
}

/** The statuses of a lookup, from the cheapest to the most expensive. */
const BY_COST: readonly Lookup["status"][] = [
  "hit-memory",
  "hit-edge",
  "hit-redis",
  "stale",
  "joined",
  "miss",
  "stale-on-error",
  "bypass",
];
