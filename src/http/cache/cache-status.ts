import type { Lookup } from "../../core/lookup.ts";
import type { EpochMs } from "../../core/time.ts";

/**
 * The `Cache-Status` member of a lookup (RFC 9211). `unreachable` is our own
 * parameter: the invalidation log could not be asked, so the freshness bound
 * does not hold for this answer.
 */
export function cacheStatus(lookup: Lookup, responseStatus: number, now: EpochMs): string {
  const parts = ["strata"];
  const { entry, status } = lookup;
  const ttl = entry === undefined ? undefined : Math.floor((entry.freshUntil - now) / 1000);
  switch (status) {
    case "hit-memory":
    case "hit-edge":
    case "hit-redis":
    case "stale":
      parts.push("hit", `ttl=${ttl}`, `detail=${lookup.tier}`);
      break;
    case "stale-on-error":
      parts.push("hit", `ttl=${ttl}`, "detail=stale-on-error");
      break;
    case "miss":
    case "joined":
      parts.push(
        lookup.renewed === true ? "fwd=stale" : "fwd=uri-miss",
        `fwd-status=${entry?.http?.status ?? responseStatus}`,
      );
      if (lookup.stored) parts.push("stored");
      if (status === "joined") parts.push("collapsed");
      break;
    case "bypass":
      parts.push("fwd=bypass", `fwd-status=${responseStatus}`);
  }
  if (lookup.unreachable) parts.push("unreachable");
  return parts.join("; ");
}

/** What a request that went to the origin came back with. */
export interface Forwarded {
  /** Why it went there (RFC 9211, 2.2). */
  readonly fwd: "uri-miss" | "vary-miss" | "stale" | "partial" | "request" | "method" | "bypass";
  readonly status: number;
  readonly stored?: boolean;
  /** The origin has confirmed what was stored. */
  readonly revalidated?: boolean;
}

/** The `Cache-Status` member of a request that this one's own dealings with the origin answered. */
export function forwardedStatus({ fwd, status, stored }: Forwarded): string {
  return `strata; fwd=${fwd}; fwd-status=${status}${stored === true ? "; stored" : ""}`;
}

/** What a response says of itself in `Cache-Status` and `X-Cache-Status`. */
export interface CacheStatusFields {
  readonly member: string;
  readonly plain: PlainStatus;
}

/** The word that people look for: `X-Cache-Status`. */
export type PlainStatus = "HIT" | "MISS" | "STALE" | "REVALIDATED" | "BYPASS";

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

/** The lookup that speaks for a request that made several: the one that cost most. */
export function reportedLookup(lookups: readonly Lookup[]): Lookup | undefined {
  const cost = (lookup: Lookup): number => ORDER.indexOf(lookup.status);
  return lookups.reduce<Lookup | undefined>(
    (most, next) => (most === undefined || cost(next) > cost(most) ? next : most),
    undefined,
  );
}

const ORDER: readonly Lookup["status"][] = [
  "hit-memory",
  "hit-edge",
  "hit-redis",
  "stale",
  "joined",
  "miss",
  "stale-on-error",
  "bypass",
];
