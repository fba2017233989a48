/** Answers range requests from a stored response, or from a stored part of a response (RFC 9110, 14; RFC 9111, 3.3). */
import type { Entry } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import { byteranges } from "../rfc/byteranges.ts";
import {
  CONTENT_DIGESTS,
  covers,
  formatContentRange,
  ifRangeHolds,
  isOn416,
  parseRange,
  resolveRanges,
  type Part,
  type Span,
} from "../rfc/range.ts";
import { fieldsOf } from "./entry-fields.ts";
import { rawResponse } from "./raw-response.ts";
import { bytesOf } from "./text-bytes.ts";

type StoredContent = Pick<Entry, "body" | "http">;

/**
 * Returns the byte spans that the request asks for. Undefined if the range does not apply, so that
 * the whole representation is the answer. Empty if no range can be satisfied.
 */
export function requestedSpans(
  request: Request,
  entry: StoredContent,
  now: EpochMs,
): readonly Span[] | undefined {
  // RFC 9110, 14.2: Range is defined for GET only.
  if (request.method !== "GET") return undefined;
  const specs = parseRange(request.headers.get("Range"));
  if (specs === undefined) return undefined;
  if (!ifRangeHolds(request.headers.get("If-Range"), fieldsOf(entry), now)) return undefined;
  return resolveRanges(specs, entry.http?.part?.total ?? bytesOf(entry.body).byteLength);
}

/** Returns whether the entry is a whole response, or a part that contains every byte that the request asks for. */
export function hasRequestedBytes(request: Request, entry: Entry, now: EpochMs): boolean {
  const part = entry.http?.part;
  if (part === undefined) return true;
  if (request.method === "HEAD") return true;
  const spans = requestedSpans(request, entry, now) ?? [];
  return spans.length > 0 && spans.every((span) => covers(part, span));
}

/** Makes a 206 with the spans, or a 416 if there are none. */
export function partialResponse(
  entry: StoredContent,
  spans: readonly Span[],
  headers: Headers,
): Response {
  const bytes = bytesOf(entry.body);
  const stored: Part = entry.http?.part ?? {
    first: 0,
    last: bytes.byteLength - 1,
    total: bytes.byteLength,
  };
  const [only] = spans;
  if (only === undefined) {
    for (const name of [...headers.keys()]) if (!isOn416(name)) headers.delete(name);
    headers.set("Content-Range", `bytes */${stored.total}`);
    return rawResponse(null, 416, headers);
  }
  for (const name of CONTENT_DIGESTS) headers.delete(name);
  if (spans.length > 1) {
    const { contentType, body } = byteranges(spans, bytes, stored, headers.get("Content-Type"));
    headers.set("Content-Type", contentType);
    // RFC 9110, 15.3.7.2: only the parts of the body have a Content-Range.
    headers.delete("Content-Range");
    return rawResponse(body, 206, headers);
  }
  headers.set("Content-Range", formatContentRange(only, stored.total));
  const body = bytes.subarray(only.first - stored.first, only.last - stored.first + 1);
  return rawResponse(body, 206, headers);
}
