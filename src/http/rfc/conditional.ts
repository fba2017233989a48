/** Evaluates a client's condition against a stored response (RFC 9110, 13; RFC 9111, 4.3.2). */
import type { EpochMs } from "../../core/time.ts";
import { parseDate } from "../../core/http-date.ts";
import { trimSpace, type FieldReader } from "./fields.ts";

const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\u0080-\u00ff]*"/y;

/**
 * Parses the value of If-None-Match or If-Match into `*` or its entity tags. Members that are no
 * entity tag are ignored.
 */
export function parseEntityTags(value: string): "*" | string[] {
  if (trimSpace(value) === "*") return "*";
  const tags: string[] = [];
  for (let index = 0; index < value.length;) {
    ENTITY_TAG.lastIndex = index;
    const match = ENTITY_TAG.exec(value);
    if (match !== null) tags.push(match[0]);
    const next = value.indexOf(",", match === null ? index : ENTITY_TAG.lastIndex);
    if (next < 0) break;
    index = next + 1;
    while (value[index] === " " || value[index] === "\t") index++;
  }
  return tags;
}

export function isWeak(etag: string): boolean {
  return etag.startsWith("W/");
}

/**
 * Returns whether equal tags mean equal bytes (RFC 9110, 8.8.1). False for a weak tag, and for a
 * value that is no entity tag.
 */
export function isStrong(etag: string): boolean {
  return etag.startsWith('"');
}

/** Compares two entity tags weakly (RFC 9110, 8.8.3.2): a weak and a strong tag may be equal. */
export function weaklyEqual(one: string, other: string): boolean {
  return opaqueTag(one) === opaqueTag(other);
}

/** Compares two entity tags strongly (RFC 9110, 8.8.3.2): they must be equal, and neither may be weak. */
export function stronglyEqual(one: string, other: string): boolean {
  return one === other && isStrong(one);
}

function opaqueTag(etag: string): string {
  return isWeak(etag) ? etag.slice(2) : etag;
}

/** Evaluates If-None-Match (RFC 9110, 13.1.2). False means that the client has the stored representation. */
function matchesNone(ifNoneMatch: string, etag: string | null): boolean {
  const tags = parseEntityTags(ifNoneMatch);
  // "*" matches any stored representation. A stored ETag that is no valid entity tag matches only
  // the same text.
  if (tags === "*" || trimSpace(ifNoneMatch) === etag) return false;
  return etag === null || etag === "" || !tags.some((tag) => weaklyEqual(tag, etag));
}

/**
 * Returns whether the answer is a 304, because the client has the stored response. If-None-Match
 * takes precedence over If-Modified-Since (RFC 9110, 13.2.2). If-Modified-Since is compared with
 * Last-Modified, or with Date if there is no Last-Modified (RFC 9111, 4.3.2).
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

/**
 * The fields that a 304 has: those of the stored 200 that it must repeat (RFC 9110, 15.4.5), and
 * those that describe this answer.
 */
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

/** Returns whether a 304 has the field. It has Last-Modified only if there is no entity tag. */
export function isOn304(name: string, hasEtag: boolean): boolean {
  return ON_304.has(name) || (name === "last-modified" && !hasEtag);
}
