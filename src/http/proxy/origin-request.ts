/** Chooses what to ask the origin for, given what is stored (RFC 9111, 4.3.1 and 3.4). */
import type { Entry } from "../../core/entry.ts";
import { isStrong } from "../rfc/conditional.ts";
import { readerOf, type FieldReader } from "../rfc/fields.ts";
import { covers, parseRange, resolveRange, type Part, type RangeSpec } from "../rfc/range.ts";
import { CONDITIONAL_FIELDS, conditionOf } from "../rfc/validation.ts";

export interface OriginRequest {
  /**
   * - `plain`: the client's request, with its own conditions
   * - `fill`: the whole response, without the client's conditions and range, to be stored and served from
   * - `validate`: whether the stored response is still right
   * - `select`: which of the stored variants answers this request
   * - `complete`: the missing rest of a stored part
   */
  readonly kind: "plain" | "fill" | "validate" | "select" | "complete";
  readonly method: string;
  readonly headers: Headers;
}

export interface Asking {
  readonly request: Request;
  /** The client's fields as the origin gets them. */
  readonly forwarded: Headers;
  /** The entity tags of the stored variants. */
  readonly etags: readonly string[];
  /**
   * The response fills the cache: a HEAD becomes a GET, and the client's condition and range do not
   * go to the origin. The client is answered from what comes back.
   */
  readonly fill: boolean;
}

export function originRequestFor(asking: Asking, stored: Entry | undefined): OriginRequest {
  if (stored === undefined) return requestForNothing(asking);
  const { part, headers = [] } = stored.http ?? {};
  const fields = readerOf(headers);
  return part === undefined
    ? requestForWhole(asking, fields)
    : requestForPart(asking, fields, part);
}

/** The request if no response is stored that could be validated, but perhaps variants for other requests. */
function requestForNothing(asking: Asking): OriginRequest {
  const { etags } = asking;
  const plain = asking.fill ? filling(asking) : plainRequest(asking);
  const hasCondition = CONDITIONAL_FIELDS.some((name) => plain.headers.has(name));
  if (etags.length === 0 || hasCondition || plain.method !== "GET") return plain;
  plain.headers.set("If-None-Match", etags.join(", "));
  return { ...plain, kind: "select" };
}

/** The request if a whole response is stored. */
function requestForWhole(asking: Asking, stored: FieldReader): OriginRequest {
  const { request, forwarded, fill } = asking;
  const method = fill ? "GET" : request.method;
  // RFC 9111, 4.3.5: the 200 response to a HEAD updates more of the stored response than a 304.
  if (method !== "GET") return unconditional(method, forwarded);
  const condition = conditionOf(stored);
  if (condition.length === 0) {
    if (fill) return filling(asking);
    // Without a stored validator, the client's own condition may still save the body.
    return { kind: "plain", method, headers: without(RANGE_FIELDS, forwarded) };
  }
  const headers = withFields(condition, without(CONDITIONAL_FIELDS, forwarded));
  return { kind: "validate", method, headers };
}

/** The request if a part is stored. */
function requestForPart(asking: Asking, stored: FieldReader, part: Part): OriginRequest {
  const { request, forwarded } = asking;
  const { method } = request;
  if (method !== "GET") return unconditional(method, forwarded);
  const range = request.headers.get("Range");
  const specs = parseRange(range);
  if (range !== null && specs !== undefined) {
    const condition = conditionOf(stored);
    // The origin answers the range itself if the stored part lacks bytes of it or cannot be validated.
    if (condition.length === 0 || forwarded.has("If-Range") || !coversRange(part, specs))
      return plainRequest(asking);
    const conditionAndRange = [...condition, ["Range", range] as const];
    const headers = withFields(conditionAndRange, without(CONDITIONAL_FIELDS, forwarded));
    return { kind: "validate", method, headers };
  }
  const etag = stored.get("ETag");
  if (part.first !== 0 || etag === null || !isStrong(etag)) return unconditional(method, forwarded);
  const rest = [["Range", `bytes=${part.last + 1}-`] as const, ["If-Range", etag] as const];
  const headers = withFields(rest, without(CONDITIONAL_FIELDS, forwarded));
  return { kind: "complete", method, headers };
}

const RANGE_FIELDS = ["range", "if-range"] as const;
/** Fields that this cache evaluates itself if it has the response. If-Match and If-Unmodified-Since are the origin's (RFC 9111, 4.3.2). */
const EVALUATED_FIELDS = ["if-none-match", "if-modified-since", ...RANGE_FIELDS] as const;

/** The client's request as it is. */
function plainRequest({ request, forwarded }: Asking): OriginRequest {
  return { kind: "plain", method: request.method, headers: new Headers(forwarded) };
}

function filling({ forwarded }: Asking): OriginRequest {
  return { kind: "fill", method: "GET", headers: without(EVALUATED_FIELDS, forwarded) };
}

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
export function unconditional(method: string, forwarded: Headers): OriginRequest {
  return { kind: "plain", method, headers: without(CONDITIONAL_FIELDS, forwarded) };
}
