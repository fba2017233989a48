/** What to ask the origin for, given what is stored (RFC 9111, 4.3.1 and 3.4). */
import type { Entry } from "../../core/entry.ts";
import { isStrong } from "../rfc/conditional.ts";
import { readerOf } from "../rfc/field-reader.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { covers, parseRange, resolveRange, type Part, type RangeSpec } from "../rfc/range.ts";
import { CONDITIONAL, conditionOf } from "../rfc/validation.ts";

export interface Plan {
  /**
   * - `plain`: nothing that we have; what the client asks, its own conditions included
   * - `validate`: whether the stored response is still good
   * - `select`: which of the stored variants answers this request
   * - `complete`: the rest of a response whose beginning is stored
   */
  readonly kind: "plain" | "validate" | "select" | "complete";
  readonly headers: Headers;
}

/** `forwarded`: the client's fields as the origin is to see them. `tags`: those of stored variants. */
export function planOf(
  request: Request,
  forwarded: Headers,
  held: Entry | undefined,
  tags: readonly string[],
): Plan {
  if (held === undefined) return planForNothing(request, forwarded, tags);
  const { part, headers: fields = [] } = held.http ?? {};
  const stored = readerOf(fields);
  return part === undefined
    ? planForWhole(request, forwarded, stored)
    : planForPart(request, forwarded, stored, part);
}

function planForNothing(request: Request, forwarded: Headers, tags: readonly string[]): Plan {
  const headers = new Headers(forwarded);
  const conditional = CONDITIONAL.some((name) => headers.has(name));
  if (tags.length === 0 || conditional || request.method !== "GET")
    return { kind: "plain", headers };
  headers.set("If-None-Match", tags.join(", "));
  return { kind: "select", headers };
}

function planForWhole(request: Request, forwarded: Headers, stored: FieldReader): Plan {
  // A HEAD is not conditional: its 200 says more of what is stored (4.3.5).
  if (request.method !== "GET") return unconditional(forwarded);
  const condition = conditionOf(stored);
  // With no validator of ours, the client's own condition may spare the origin the body.
  if (condition.length === 0) return { kind: "plain", headers: without(OF_A_PART, forwarded) };
  return { kind: "validate", headers: withFields(condition, without(CONDITIONAL, forwarded)) };
}

function planForPart(request: Request, forwarded: Headers, stored: FieldReader, part: Part): Plan {
  if (request.method !== "GET") return unconditional(forwarded);
  const range = request.headers.get("Range");
  const specs = parseRange(range);
  if (range !== null && specs !== undefined) {
    const condition = conditionOf(stored);
    // The stored part lacks what is asked for: the origin answers the range itself.
    if (condition.length === 0 || forwarded.has("If-Range") || !hasAll(part, specs))
      return { kind: "plain", headers: new Headers(forwarded) };
    const own = [...condition, ["Range", range] as const];
    return { kind: "validate", headers: withFields(own, without(CONDITIONAL, forwarded)) };
  }
  const etag = stored.get("ETag");
  if (part.first !== 0 || etag === null || !isStrong(etag)) return unconditional(forwarded);
  const rest = [["Range", `bytes=${part.last + 1}-`] as const, ["If-Range", etag] as const];
  return { kind: "complete", headers: withFields(rest, without(CONDITIONAL, forwarded)) };
}

const OF_A_PART = ["range", "if-range"] as const;

function without(names: readonly string[], fields: Headers): Headers {
  const headers = new Headers(fields);
  for (const name of names) headers.delete(name);
  return headers;
}

function withFields(fields: Iterable<readonly [string, string]>, headers: Headers): Headers {
  for (const [name, value] of fields) headers.set(name, value);
  return headers;
}

/** Whether a 304 can be the answer. */
export function isConditional({ headers }: Plan): boolean {
  return headers.has("If-None-Match") || headers.has("If-Modified-Since");
}

/** Whether one range is asked for, and the part holds it. */
function hasAll(part: Part, [spec, ...more]: readonly RangeSpec[]): boolean {
  const span = spec === undefined ? undefined : resolveRange(spec, part.total);
  return more.length === 0 && span !== undefined && covers(part, span);
}

/** The client's request without any condition: what is asked when a 304 or a part was of no use. */
export function unconditional(forwarded: Headers): Plan {
  return { kind: "plain", headers: without(CONDITIONAL, forwarded) };
}
