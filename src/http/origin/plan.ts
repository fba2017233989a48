/** What to ask the origin for, given what is stored (RFC 9111, 4.3.1 and 3.4). */
import type { Entry } from "../../core/entry.ts";
import { isWeak } from "../rfc/conditional.ts";
import { readerOf } from "../rfc/field-reader.ts";
import { covers, parseRange, resolveRange, type Part, type RangeSpec } from "../rfc/range.ts";
import { CONDITIONAL, conditionOf } from "../rfc/validate.ts";

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
  const headers = new Headers(forwarded);
  if (held === undefined) {
    const conditional = CONDITIONAL.some((name) => headers.has(name));
    if (tags.length === 0 || conditional || request.method !== "GET")
      return { kind: "plain", headers };
    headers.set("If-None-Match", tags.join(", "));
    return { kind: "select", headers };
  }
  const { part, headers: fields = [] } = held.http ?? {};
  const range = request.headers.get("Range");
  const specs = request.method === "GET" ? parseRange(range) : undefined;
  const stored = readerOf(fields);
  if (part !== undefined && specs !== undefined) {
    const condition = conditionOf(stored);
    // The stored part lacks what is asked for: the origin answers the range itself.
    if (condition.length === 0 || headers.has("If-Range") || !hasAll(part, specs))
      return { kind: "plain", headers };
    for (const name of CONDITIONAL) if (name !== "range") headers.delete(name);
    for (const [name, value] of condition) headers.set(name, value);
    return { kind: "validate", headers };
  }
  for (const name of CONDITIONAL) headers.delete(name);
  if (part !== undefined) {
    const etag = stored.get("ETag");
    if (request.method !== "GET" || part.first !== 0 || etag === null || isWeak(etag))
      return { kind: "plain", headers };
    headers.set("Range", `bytes=${part.last + 1}-`);
    headers.set("If-Range", etag);
    return { kind: "complete", headers };
  }
  // A HEAD is not conditional: its 200 says more of what is stored (4.3.5).
  const condition = request.method === "GET" ? conditionOf(stored) : [];
  for (const [name, value] of condition) headers.set(name, value);
  return { kind: condition.length > 0 ? "validate" : "plain", headers };
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
  const headers = new Headers(forwarded);
  for (const name of CONDITIONAL) headers.delete(name);
  return { kind: "plain", headers };
}
