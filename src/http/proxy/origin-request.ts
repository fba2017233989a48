/** Chooses what to ask the origin for, given what is stored (RFC 9111, 4.3.1 and 3.4). */
import type { Entry } from "../../core/entry.ts";
import { isStrong } from "../rfc/conditional.ts";
import { readerOf, type FieldReader } from "../rfc/fields.ts";
import { covers, parseRange, resolveRange, type Part, type RangeSpec } from "../rfc/range.ts";
import { CONDITIONAL_FIELDS, conditionOf } from "../rfc/validation.ts";

export interface OriginRequest {
  /**
   * - `plain`: the client's request, with its own conditions
   * - `validate`: whether the stored response is still right
   * - `select`: which of the stored variants answers this request
   * - `complete`: the missing rest of a stored part
   */
  readonly kind: "plain" | "validate" | "select" | "complete";
  readonly headers: Headers;
}

/** `forwarded` are the client's fields as the origin gets them; `etags` are those of the stored variants. */
export function originRequestFor(
  request: Request,
  forwarded: Headers,
  stored: Entry | undefined,
  etags: readonly string[],
): OriginRequest {
  if (stored === undefined) return requestForNothing(request, forwarded, etags);
  const { part, headers = [] } = stored.http ?? {};
  const fields = readerOf(headers);
  return part === undefined
    ? requestForWhole(request, forwarded, fields)
    : requestForPart(request, forwarded, fields, part);
}

/** The request if no response is stored that could be validated, but perhaps variants for other requests. */
function requestForNothing(
  request: Request,
  forwarded: Headers,
  etags: readonly string[],
): OriginRequest {
  const headers = new Headers(forwarded);
  const hasCondition = CONDITIONAL_FIELDS.some((name) => headers.has(name));
  if (etags.length === 0 || hasCondition || request.method !== "GET")
    return { kind: "plain", headers };
  headers.set("If-None-Match", etags.join(", "));
  return { kind: "select", headers };
}

/** The request if a whole response is stored. */
function requestForWhole(request: Request, forwarded: Headers, stored: FieldReader): OriginRequest {
  // RFC 9111, 4.3.5: the 200 response to a HEAD updates more of the stored response than a 304.
  if (request.method !== "GET") return unconditional(forwarded);
  const condition = conditionOf(stored);
  // Without a stored validator, the client's own condition may still save the body.
  if (condition.length === 0) return { kind: "plain", headers: without(RANGE_FIELDS, forwarded) };
  const headers = withFields(condition, without(CONDITIONAL_FIELDS, forwarded));
  return { kind: "validate", headers };
}

/** The request if a part is stored. */
function requestForPart(
  request: Request,
  forwarded: Headers,
  stored: FieldReader,
  part: Part,
): OriginRequest {
  if (request.method !== "GET") return unconditional(forwarded);
  const range = request.headers.get("Range");
  const specs = parseRange(range);
  if (range !== null && specs !== undefined) {
    const condition = conditionOf(stored);
    // The origin answers the range itself if the stored part lacks bytes of it or cannot be validated.
    if (condition.length === 0 || forwarded.has("If-Range") || !coversRange(part, specs))
      return { kind: "plain", headers: new Headers(forwarded) };
    const conditionAndRange = [...condition, ["Range", range] as const];
    const headers = withFields(conditionAndRange, without(CONDITIONAL_FIELDS, forwarded));
    return { kind: "validate", headers };
  }
  const etag = stored.get("ETag");
  if (part.first !== 0 || etag === null || !isStrong(etag)) return unconditional(forwarded);
  const rest = [["Range", `bytes=${part.last + 1}-`] as const, ["If-Range", etag] as const];
  return { kind: "complete", headers: withFields(rest, without(CONDITIONAL_FIELDS, forwarded)) };
}

const RANGE_FIELDS = ["range", "if-range"] as const;

function without(names: readonly string[], fields: Headers): Headers {
  const headers = new Headers(fields);
  for (const name of names) headers.delete(name);
  return headers;
}

function withFields(fields: Iterable<readonly [string, string]>, headers: Headers): Headers {
  for (const [name, value] of fields) headers.set(name, value);
  return headers;
}

/** Whether the part contains everything that a single range selects. False for several ranges. */
function coversRange(part: Part, [spec, ...more]: readonly RangeSpec[]): boolean {
  const span = spec === undefined ? undefined : resolveRange(spec, part.total);
  return more.length === 0 && span !== undefined && covers(part, span);
}

/** Whether a 304 can answer the request. */
export function isConditional({ headers }: OriginRequest): boolean {
  return headers.has("If-None-Match") || headers.has("If-Modified-Since");
}

/** The client's request without conditions and ranges. */
export function unconditional(forwarded: Headers): OriginRequest {
  return { kind: "plain", headers: without(CONDITIONAL_FIELDS, forwarded) };
}
