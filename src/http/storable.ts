/** Statuses that a route's policy applies to. 404 and 410 are kept as negatives. */
const STORABLE = new Set([200, 203, 301, 308, 404, 410]);

/** Connection-specific fields (RFC 9111, 3.1), and those that we write ourselves. */
const NOT_STORED = new Set([
  "age",
  "cache-status",
  "connection",
  "content-length",
  "etag",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "server-timing",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-cache-status",
  "x-response-time",
]);

/** Whether a route's response may be shared: never one that is meant for a single client. */
export function isStorable(response: Response): boolean {
  if (!STORABLE.has(response.status) || response.headers.has("Set-Cookie")) return false;
  if (response.headers.get("Vary")?.includes("*") === true) return false;
  const control = response.headers.get("Cache-Control")?.toLowerCase() ?? "";
  // A 404 problem says no-store to clients; here the route's negative lifetime decides.
  if (response.status === 404 || response.status === 410) return !/\bprivate\b/.test(control);
  return !/\b(?:no-store|private)\b/.test(control);
}

export function storedHeaders(headers: Headers): [name: string, value: string][] {
  return [...headers].filter(([name]) => !NOT_STORED.has(name));
}
