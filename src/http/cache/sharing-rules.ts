/** The rules by which the proxy shares one client's response with other clients. */
import type { FieldReader } from "../rfc/fields.ts";

/**
 * - `safe`: also right for an application that says nothing about caching
 * - `rfc`: all that RFC 9111 allows
 */
export type SharingMode = "safe" | "rfc";

/** Made once for each proxy. docs/http.md compares the two modes, docs/security.md has the attacks. */
export interface SharingRules {
  readonly mode: SharingMode;
  /** Request fields with credentials, in lower case. The response to such a request is stored only with permission. */
  readonly credentialFields: readonly string[];
  /** `must-revalidate` is such a permission (RFC 9111, 3.5). */
  readonly mustRevalidatePermits: boolean;
  /** A lifetime in CDN-Cache-Control is such a permission: the field addresses shared caches alone (RFC 9213). */
  readonly targetedPermits: boolean;
  /** A stored response without permission answers requests with credentials too (RFC 9111, 4). */
  readonly answersCredentials: boolean;
  /** The cache obeys the request's own directives (RFC 9111, 5.2.1). */
  readonly requestDirectives: boolean;
  /** Set-Cookie is stored with the response and sent to other clients (RFC 9111, 7.3). */
  readonly storesCookies: boolean;
  /** Statuses that a client can provoke, and those that deny access to one client, are stored if the response states its freshness. */
  readonly storesProvokedStatuses: boolean;
  /** A response that was never fresh may be served stale (RFC 9111, 4.2.4). */
  readonly servesNeverFresh: boolean;
  /** A 304 may change the stored Content-Encoding (RFC 9111, 3.2). */
  readonly updatesCoding: boolean;
  /** A failed load answers the other requests that wait for it, and those of the next moments. */
  readonly sharesFailures: boolean;
  /** HEAD, a condition and a range make the origin send the whole response, which is stored and answers them. */
  readonly fillsFromWhole: boolean;
  /**
   * What RFC 9111, 4.4 leaves to the cache: unknown methods invalidate, and Location and
   * Content-Location are invalidated. A response to HEAD makes a stored one stale (4.3.5).
   */
  readonly invalidatesWidely: boolean;
  /** The response to a POST is stored for GET if it says that it is what a GET returns (RFC 9110, 9.3.3). */
  readonly storesPostResponses: boolean;
  /** TRACE is forwarded to the origin (RFC 9110, 9.3.8). */
  readonly forwardsTrace: boolean;
}

/** The rules of rfc mode, and of routes. */
export const RFC_SHARING: SharingRules = {
  mode: "rfc",
  credentialFields: ["authorization"],
  mustRevalidatePermits: true,
  targetedPermits: false,
  answersCredentials: true,
  requestDirectives: true,
  storesCookies: true,
  storesProvokedStatuses: true,
  servesNeverFresh: true,
  updatesCoding: true,
  sharesFailures: true,
  fillsFromWhole: false,
  invalidatesWidely: true,
  storesPostResponses: true,
  forwardsTrace: true,
};

/** Fields with credentials that applications read beside Authorization and Cookie. */
export const DEFAULT_CREDENTIAL_HEADERS: readonly string[] = [
  "X-API-Key",
  "X-Auth-Token",
  "Cf-Access-Jwt-Assertion",
];

/** The rules of a mode. `credentialHeaders` count beside Authorization and Cookie, in safe mode only. */
export function sharingRules(
  mode: SharingMode,
  credentialHeaders: readonly string[],
): SharingRules {
  if (mode === "rfc") return RFC_SHARING;
  const named = credentialHeaders.map((name) => name.toLowerCase());
  return {
    mode,
    credentialFields: [...new Set(["authorization", "cookie", ...named])],
    mustRevalidatePermits: false,
    targetedPermits: true,
    answersCredentials: false,
    requestDirectives: false,
    storesCookies: false,
    storesProvokedStatuses: false,
    servesNeverFresh: false,
    updatesCoding: false,
    sharesFailures: false,
    fillsFromWhole: true,
    invalidatesWidely: false,
    storesPostResponses: false,
    forwardsTrace: false,
  };
}

/** Whether the request has one of the fields with credentials. */
export function hasCredentials(request: FieldReader, { credentialFields }: SharingRules): boolean {
  return credentialFields.some((name) => request.get(name) !== null);
}
