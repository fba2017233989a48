/** A client's condition, evaluated against a stored response (RFC 9110, 13; RFC 9111, 4.3.2). */
import type { EpochMs } from "../../core/time.ts";
import { parseDate } from "./dates.ts";
import { trimSpace, type FieldReader } from "./fields.ts";

const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\u0080-\u00ff]*"/y;

/** Entity tags of an If-None-Match or If-Match list; `*` for any. What is no tag is skipped. */
export function entityTags(value: string): "*" | string[] {
  if (trimSpace(value) === "*") return "*";
  const tags: string[] = [];
  for (let at = 0; at < value.length;) {
    ENTITY_TAG.lastIndex = at;
    const match = ENTITY_TAG.exec(value);
    if (match !== null) tags.push(match[0]);
    const next = value.indexOf(",", match === null ? at : ENTITY_TAG.lastIndex);
    if (next < 0) break;
    at = next + 1;
    while (value[at] === " " || value[at] === "\t") at++;
  }
  return tags;
}

export function isWeak(etag: string): boolean {
  return etag.startsWith("W/");
}

/** Whether a tag vouches for every byte. What is no entity tag at all, `w/"a"` for one, does not. */
export function isStrong(etag: string): boolean {
  return etag.startsWith('"');
}

/** Weak comparison (RFC 9110, 8.8.3.2). */
export function weaklyEqual(one: string, other: string): boolean {
  return opaque(one) === opaque(other);
}

/** Strong comparison: the same, and neither weak. */
export function stronglyEqual(one: string, other: string): boolean {
  return one === other && isStrong(one);
}

function opaque(etag: string): string {
  return isWeak(etag) ? etag.slice(2) : etag;
}

/** Whether a client's copy is still good (RFC 9110, 13.1.2): compared weakly, with lists and `*`. */
function matchesNone(ifNoneMatch: string, etag: string | null): boolean {
  const tags = entityTags(ifNoneMatch);
  // Any stored representation matches "*"; and what we sent comes back as it was, even if it is no tag.
  if (tags === "*" || trimSpace(ifNoneMatch) === etag) return false;
  return etag === null || etag === "" || !tags.some((tag) => weaklyEqual(tag, etag));
}

/**
 * Whether the stored response has not changed for this client: a 304 suffices.
 * If-None-Match is asked first; with it, If-Modified-Since does not count
 * (RFC 9110, 13.2.2). A date is compared with Last-Modified, or where there is
 * none with Date (RFC 9111, 4.3.2).
 */
export function isNotModified(request: FieldReader, stored: FieldReader, now: EpochMs): boolean {
  const ifNoneMatch = request.get("If-None-Match");
  if (ifNoneMatch !== null) return !matchesNone(ifNoneMatch, stored.get("ETag"));
  const since = parseDate(request.get("If-Modified-Since"), now);
  if (since === undefined) return false;
  const modified =
    parseDate(stored.get("Last-Modified"), now) ?? parseDate(stored.get("Date"), now);
  return modified !== undefined && modified <= since;
}

/** Fields of a stored 200 that its 304 repeats (RFC 9110, 15.4.5), and those of this exchange. */
const ON_304 = new Set([
  "age",
  "cache-control",
  "cdn-cache-control",
  "content-location",
  "date",
  "etag",
  "expires",
  "set-cookie",
  "vary",
  "via",
]);

/** Whether a field belongs on a 304. Last-Modified does where there is no entity tag to go by. */
export function isOn304(name: string, hasEtag: boolean): boolean {
  return ON_304.has(name) || (name === "last-modified" && !hasEtag);
}
