/** Whether a response may be stored by a shared cache (RFC 9111, 3). */
import type { FieldReader } from "./fields.ts";
import { isHeuristic, type Lifetime } from "./freshness.ts";
import { parseDirectives } from "./directives.ts";
import type { ResponseControl } from "./response-control.ts";
import { variesByEverything } from "./vary.ts";

/** Statuses whose meaning for a cache is implemented here: what `must-understand` asks (5.2.2.3). */
const UNDERSTOOD = new Set([
  200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403, 404,
  405, 406, 407, 408, 409, 410, 411, 413, 414, 415, 417, 421, 422, 423, 424, 425, 426, 428, 429,
  431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 511,
]);

/** Statuses that answer a condition or a range of one request, and no other request. */
const OF_ONE_REQUEST = new Set([304, 412, 416]);

export type Cacheability =
  | "store"
  | "no-store"
  | "private"
  | "authorization"
  | "varies"
  | "status"
  | "silent"
  | "cookie";

/** Why the response to `request` may not be stored; `store` if it may. */
export function cacheabilityOf(
  request: FieldReader,
  status: number,
  headers: FieldReader,
  control: ResponseControl,
  lifetime: Lifetime,
): Cacheability {
  if (status < 200 || OF_ONE_REQUEST.has(status)) return "status";
  // 5.2.1.5: no part of the request or of any response to it.
  if (parseDirectives(request.get("Cache-Control")).has("no-store")) return "no-store";
  // 5.2.2.3: with must-understand, no-store is for caches that do not know the status.
  if (control.mustUnderstand ? !UNDERSTOOD.has(status) : control.noStore) return "no-store";
  if (control.private === true) return "private";
  // 3.5: a shared cache needs leave to keep an answer to an authenticated request.
  const leave = control.public || control.mustRevalidate || control.sMaxAge !== undefined;
  if (request.get("Authorization") !== null && !leave) return "authorization";
  // 4.1: it would never match a later request.
  if (variesByEverything(headers.get("Vary"))) return "varies";
  if (headers.get("Set-Cookie") !== null && lifetime.kind !== "explicit") return "cookie";
  // Nothing says how long it is fresh: it can only be kept to be validated each time.
  if (lifetime.kind === "silent")
    return isHeuristic(status, control) && hasValidator(headers) ? "store" : "silent";
  return "store";
}

export function hasValidator(headers: FieldReader): boolean {
  return headers.get("ETag") !== null || headers.get("Last-Modified") !== null;
}
