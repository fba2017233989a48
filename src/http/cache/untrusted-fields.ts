/**
 * Request fields with which a client can claim how its request reached this cache.
 * They are removed: otherwise one client could write its claim, for example a host
 * name, into a response that all clients share, or skip a check of the origin.
 */
export const UNTRUSTED_FIELDS: readonly string[] = [
  "baggage",
  "forwarded",
  "front-end-https",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-host",
  "x-http-host-override",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-middleware-subrequest",
  "x-real-ip",
  "x-rewrite-url",
  "x-scheme",
  "x-script-name",
  "x-url-scheme",
];

/** The starts of further names: proxies and frameworks add names of these families. */
const UNTRUSTED_PREFIXES: readonly string[] = ["x-forwarded-", "x-original-"];

const NAMES = new Set(UNTRUSTED_FIELDS);

/** Whether a client could claim something with a field of this name, which is in lower case. */
export function isUntrusted(name: string): boolean {
  return NAMES.has(name) || UNTRUSTED_PREFIXES.some((prefix) => name.startsWith(prefix));
}
