/** Asking the origin whether a stored response is still good (RFC 9111, 4.3). */
import { isWeak, weaklyEqual } from "./conditional.ts";
import type { FieldReader } from "./fields.ts";

/** Fields by which a client makes its request conditional, or asks for a part. */
export const CONDITIONAL = [
  "if-none-match",
  "if-modified-since",
  "if-match",
  "if-unmodified-since",
  "if-range",
  "range",
] as const;

/** Our own condition for a stored response: its validators, byte for byte (4.3.1). */
export function conditionOf(stored: FieldReader): [name: string, value: string][] {
  const condition: [string, string][] = [];
  const etag = stored.get("ETag");
  const modified = stored.get("Last-Modified");
  if (etag !== null && etag !== "") condition.push(["If-None-Match", etag]);
  if (modified !== null) condition.push(["If-Modified-Since", modified]);
  return condition;
}

/**
 * Whether a 304 speaks of the stored response (4.3.4): the same strong tag where
 * it has one, else a tag or date that matches weakly; without any validator it
 * can only mean the one that was asked about.
 */
export function confirms(notModified: FieldReader, stored: FieldReader): boolean {
  const etag = notModified.get("ETag");
  const storedEtag = stored.get("ETag");
  if (etag !== null) {
    if (storedEtag === null) return false;
    return isWeak(etag) ? weaklyEqual(etag, storedEtag) : etag === storedEtag;
  }
  const modified = notModified.get("Last-Modified");
  return (
    modified === null ||
    stored.get("Last-Modified") === null ||
    modified === stored.get("Last-Modified")
  );
}

/** Whether the 200 of a HEAD describes the stored GET response (4.3.5). */
export function describesStored(head: FieldReader, stored: FieldReader, length: number): boolean {
  for (const name of ["ETag", "Last-Modified"] as const) {
    const said = head.get(name);
    if (said !== null && said !== stored.get(name)) return false;
  }
  const contentLength = head.get("Content-Length");
  return contentLength === null || contentLength === String(length);
}
