/** What a successful unsafe request makes invalid (RFC 9111, 4.4; RFC 9875). */
import { parseList } from "./structured-fields.ts";

/** Methods that ask for no change (RFC 9110, 9.2.1); any other, an unknown one too, may make one. */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export function isSafe(method: string): boolean {
  return SAFE.has(method);
}

/** RFC 9875, 2.2: at least these many, of at least this length, are supported. */
const MAX_GROUPS = 32;
const MAX_GROUP_LENGTH = 128;

/** Names in Cache-Groups or Cache-Group-Invalidation: a list of strings, else nothing. */
export function groupsOf(value: string | null): string[] {
  if (value === null) return [];
  const names: string[] = [];
  for (const member of parseList(value) ?? []) {
    if (member.type !== "string") return [];
    names.push(member.value);
  }
  return [...new Set(names)].filter((name) => name.length <= MAX_GROUP_LENGTH).slice(0, MAX_GROUPS);
}
