/**
 * Whether a client's copy is still good (RFC 9110, 13.1.2): If-None-Match,
 * compared weakly, with lists and `*`.
 */
export function isNotModified(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null || etag === "") return false;
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = weak(etag);
  for (const match of ifNoneMatch.matchAll(/(?:W\/)?"[^"]*"/g))
    if (weak(match[0]) === opaque) return true;
  return false;
}

function weak(etag: string): string {
  return etag.startsWith("W/") ? etag.slice(2) : etag;
}
