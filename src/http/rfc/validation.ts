/**
 * Makes the condition that asks the origin to confirm a stored response, and evaluates the origin's
 * answer (RFC 9111, 4.3).
 */
import { isWeak, weaklyEqual } from "./conditional.ts";
import type { FieldReader } from "./fields.ts";

/** The request fields for conditions and ranges (RFC 9110, 13.1 and 14.2). */
export const CONDITIONAL_FIELDS = [
  "if-none-match",
  "if-modified-since",
  "if-match",
  "if-unmodified-since",
  "if-range",
  "range",
] as const;

/**
 * Makes the condition that revalidates a stored response. It has the response's validators,
 * unchanged (RFC 9111, 4.3.1).
 */
export function conditionOf(stored: FieldReader): [name: string, value: string][] {
  const condition: [string, string][] = [];
  const etag = stored.get("ETag");
  const modified = stored.get("Last-Modified");
  if (etag !== null && etag !== "") condition.push(["If-None-Match", etag]);
  if (modified !== null) condition.push(["If-Modified-Since", modified]);
  return condition;
}

/**
 * Returns whether a 304 confirms the stored response (RFC 9111, 4.3.4): it has the same strong
 * entity tag, or otherwise a weak entity tag or a date that matches. A 304 without validators
 * confirms the response that the request named.
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

/** Returns whether the 200 response to a HEAD describes the stored response to a GET (RFC 9111, 4.3.5). */
export function describesStored(head: FieldReader, stored: FieldReader, length: number): boolean {
  for (const name of ["ETag", "Last-Modified"] as const) {
    const value = head.get(name);
    if (value !== null && value !== stored.get(name)) return false;
  }
  const contentLength = head.get("Content-Length");
  return contentLength === null || contentLength === String(length);
}
