/** Decides whether a shared cache may store a response (RFC 9111, 3). */
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

/** `store`, or the reason against it. */
export type Cacheability =
  | "store"
  | "no-store"
  | "private"
  | "authorization"
  | "varies"
  | "status"
  | "silent"
  | "cookie";

/** `store` if the response to `request` may be stored; otherwise the first reason against it. */
export function cacheabilityOf(
  request: FieldReader,
  status: number,
  headers: FieldReader,
  control: ResponseControl,
  lifetime: Lifetime,
): Cacheability {
  if (status < 200 || OF_ONE_REQUEST.has(status)) return "status";
  // RFC 9111, 5.2.1.5: no response to a request with no-store.
  if (parseDirectives(request.get("Cache-Control")).has("no-store")) return "no-store";
  // RFC 9111, 5.2.2.3: with must-understand, a cache that understands the status ignores no-store.
  if (control.mustUnderstand ? !UNDERSTOOD.has(status) : control.noStore) return "no-store";
  // RFC 9111, 5.2.2.7.
  if (control.private === true) return "private";
  // RFC 9111, 3.5: the response to an authenticated request needs explicit permission.
  const permitted = control.public || control.mustRevalidate || control.sMaxAge !== undefined;
  if (request.get("Authorization") !== null && !permitted) return "authorization";
  // RFC 9111, 4.1: a response with `Vary: *` matches no later request.
  if (variesByEverything(headers.get("Vary"))) return "varies";
  // RFC 9111, 7.3 lets a cache store cookies. This one does so only if freshness is explicit.
  if (headers.get("Set-Cookie") !== null && lifetime.kind !== "explicit") return "cookie";
  // RFC 9111, 3: without a lifetime, the response is stored only to be validated on each use.
  if (lifetime.kind === "silent")
    return isHeuristic(status, control) && hasValidator(headers) ? "store" : "silent";
  return "store";
}

/** Whether the origin can be asked to confirm the response (RFC 9110, 8.8). */
export function hasValidator(headers: FieldReader): boolean {
  return headers.get("ETag") !== null || headers.get("Last-Modified") !== null;
}
