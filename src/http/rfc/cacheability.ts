/** Decides whether a shared cache may store a response (RFC 9111, 3). */
import { hasCredentials, type SharingRules } from "../cache/sharing-rules.ts";
import type { FieldReader } from "./fields.ts";
import { isHeuristic, type Lifetime } from "./freshness.ts";
import { parseDirectives } from "./directives.ts";
import type { ResponseControl } from "./response-control.ts";
import { variesByEverything } from "./vary.ts";

/** Statuses that this cache understands. `must-understand` forbids storing any other (RFC 9111, 5.2.2.3). */
const UNDERSTOOD = new Set([
  200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403, 404,
  405, 406, 407, 408, 409, 410, 411, 413, 414, 415, 417, 421, 422, 423, 424, 425, 426, 428, 429,
  431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 511,
]);

/** Statuses that answer one request's condition or range. */
export const OF_ONE_REQUEST: ReadonlySet<number> = new Set([304, 412, 416]);

/**
 * Statuses that a client can provoke, for example by a malformed, oversized or early request: the
 * next request for the same URI may succeed.
 */
export function isProvokable(status: number): boolean {
  return status >= 500 || (status >= 411 && status <= 417) || PROVOKABLE.has(status);
}

const PROVOKABLE = new Set([400, 405, 406, 408, 421, 425, 426, 428, 429, 431]);

/** Statuses that deny access to one client, for example for want of credentials: another client may have it. */
export function isDenial(status: number): boolean {
  return status === 401 || status === 403 || status === 407;
}

/** What the response itself says against sharing it: it is for one client, or for no cache. */
export type Prohibition = "no-store" | "private" | "varies";

/** `store`, or the reason against it. */
export type Cacheability =
  | "store"
  | Prohibition
  | "request"
  | "authorization"
  | "status"
  | "silent"
  | "cookie";

/** Why the response itself forbids sharing it; undefined if it does not. */
export function prohibitionOf(
  status: number,
  headers: FieldReader,
  control: ResponseControl,
): Prohibition | undefined {
  // RFC 9111, 5.2.2.3: with must-understand, a cache that understands the status ignores no-store.
  if (control.mustUnderstand ? !UNDERSTOOD.has(status) : control.noStore) return "no-store";
  // RFC 9111, 5.2.2.7.
  if (control.private === true) return "private";
  // RFC 9111, 4.1: a response with `Vary: *` matches no later request.
  return variesByEverything(headers.get("Vary")) ? "varies" : undefined;
}

/** Whether the response may be shared although its request, or the response itself, has credentials (RFC 9111, 3.5). */
export function permitsSharing(control: ResponseControl, sharing: SharingRules): boolean {
  const { permissions, source, maxAge } = control;
  if (permissions.some((name) => name !== "must-revalidate" || sharing.mustRevalidatePermits))
    return true;
  return sharing.targetedPermits && source === "targeted" && maxAge !== undefined;
}

/** `store` if the response to `request` may be stored; otherwise the first reason against it. */
export function cacheabilityOf(
  request: FieldReader,
  status: number,
  headers: FieldReader,
  control: ResponseControl,
  lifetime: Lifetime,
  sharing: SharingRules,
): Cacheability {
  if (status < 200 || OF_ONE_REQUEST.has(status)) return "status";
  if (!sharing.storesProvokedStatuses && (isProvokable(status) || isDenial(status)))
    return "status";
  // RFC 9111, 5.2.1.5: no response to a request with no-store.
  if (sharing.requestDirectives && parseDirectives(request.get("Cache-Control")).has("no-store"))
    return "request";
  const prohibition = prohibitionOf(status, headers, control);
  if (prohibition !== undefined && prohibition !== "varies") return prohibition;
  // RFC 9111, 3.5: the response to an authenticated request needs explicit permission.
  const isPermitted = permitsSharing(control, sharing);
  if (!isPermitted && hasCredentials(request, sharing)) return "authorization";
  if (prohibition !== undefined) return prohibition;
  // RFC 9111, 7.3 lets a cache store cookies. A response that sets one begins a session, so it needs explicit freshness, and in safe mode permission.
  const maySetCookie = sharing.storesCookies ? lifetime.kind === "explicit" : isPermitted;
  if (!maySetCookie && headers.get("Set-Cookie") !== null) return "cookie";
  // RFC 9111, 3: without a lifetime, the response is stored only to be validated on each use.
  if (lifetime.kind === "silent")
    return isHeuristic(status, control) && hasValidator(headers) ? "store" : "silent";
  return "store";
}

/** Whether the origin can be asked to confirm the response (RFC 9110, 8.8). */
export function hasValidator(headers: FieldReader): boolean {
  return headers.get("ETag") !== null || headers.get("Last-Modified") !== null;
}
