/** What a successful unsafe request makes invalid (RFC 9111, 4.4; RFC 9875). */
import type { FieldReader } from "./fields.ts";
import { parseList } from "./structured-fields.ts";

/** Methods that ask for no change (RFC 9110, 9.2.1); any other, an unknown one too, may make one. */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export function isSafe(method: string): boolean {
  return SAFE.has(method);
}

/** The URIs to invalidate after an answer to an unsafe method; none where it failed. */
export function invalidatedUris(target: URL, status: number, headers: FieldReader): URL[] {
  if (status < 200 || status >= 400) return [];
  const uris = [target];
  for (const name of ["Location", "Content-Location"]) {
    const value = headers.get(name);
    if (value === null || !URL.canParse(value, target)) continue;
    const uri = new URL(value, target);
    // Another origin's responses are not this one's to invalidate.
    if (uri.origin === target.origin) uris.push(uri);
  }
  return uris;
}

/** RFC 9875, 2.2: at least these many, of at least this length, are supported. */
const MAX_GROUPS = 32;
const MAX_GROUP_LENGTH = 128;

/** Names in Cache-Groups or Cache-Group-Invalidation: a list of strings, else nothing. */
export function groupsOf(value: string | null): string[] {
  if (value === null) return [];
  const list = parseList(value);
  if (list === undefined || !list.every((member) => member.type === "string")) return [];
  const names = list.map(({ value }) => String(value));
  return [...new Set(names)].filter((name) => name.length <= MAX_GROUP_LENGTH).slice(0, MAX_GROUPS);
}
