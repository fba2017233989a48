/**
 * Request fields with which a client can claim how its request reached this cache.
 * They are removed: otherwise one client could write its claim, for example a host
 * name, into a response that all clients share.
 */
export const UNTRUSTED_FIELDS: readonly string[] = [
  "forwarded",
  "front-end-https",
  "x-forwarded-host",
  "x-forwarded-path",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-proto",
  "x-forwarded-scheme",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-host",
  "x-http-host-override",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-host",
  "x-original-url",
  "x-rewrite-url",
  "x-url-scheme",
];
