/** Decides which requests invalidate stored responses, and by which cache groups (RFC 9111, 4.4; RFC 9875). */
import { parseList } from "./structured-fields.ts";

/** The safe methods of RFC 9110, 9.2.1, and QUERY, a safe method with a body. */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"]);

/** The methods that RFC 9110, 9.3 and RFC 5789 define for changing the resource. */
const CHANGES = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/**
 * Whether a successful request with this method invalidates its URI. `withUnknown`: also with a
 * method that HTTP does not define, which may be unsafe (RFC 9111, 4.4).
 */
export function isInvalidating(method: string, withUnknown: boolean): boolean {
  return withUnknown ? !SAFE.has(method) : CHANGES.has(method);
}

/**
 * The most cache groups of one field. RFC 9875, 2.2: a cache supports at least 32 groups of at
 * least 128 characters.
 */
const MAX_GROUPS = 32;
const MAX_GROUP_LENGTH = 128;

/** Parses Cache-Groups or Cache-Group-Invalidation. Empty if the value is not a list of strings. */
export function parseCacheGroups(value: string | null): string[] {
  if (value === null) return [];
  const names: string[] = [];
  for (const member of parseList(value) ?? []) {
    if (member.type !== "string") return [];
    names.push(member.value);
  }
  return [...new Set(names)].filter((name) => name.length <= MAX_GROUP_LENGTH).slice(0, MAX_GROUPS);
}
