/** Decides which requests invalidate stored responses, and by which cache groups (RFC 9111, 4.4; RFC 9875). */
import { parseList } from "./structured-fields.ts";

/** The safe methods (RFC 9110, 9.2.1). Any other method, also an unknown one, may change the resource. */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export function isSafe(method: string): boolean {
  return SAFE.has(method);
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
