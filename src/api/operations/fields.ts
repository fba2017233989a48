/** The response fields that the API reference describes. */

interface FieldEntry {
  readonly description: string;
  readonly example: string;
}

export const FIELDS = {
  "Cache-Status": {
    description:
      "Where the answer came from (RFC 9211): hit or fwd, the tier, and the seconds until it is stale.",
    example: "strata; hit; ttl=3599; detail=memory",
  },
  "X-Cache-Status": {
    description: "The same in one word: HIT, MISS, STALE, …",
    example: "HIT",
  },
  Age: {
    description: "The seconds since the stored value was read from the database.",
    example: "1",
  },
  ETag: {
    description: "The entity tag of the body, for `If-None-Match`.",
    example: '"1f0c9a7be2d34556"',
  },
  "Server-Timing": {
    description: "The milliseconds of each step, and in total.",
    example: "total;dur=0",
  },
  "X-Response-Time": { description: "The milliseconds in total.", example: "0ms" },
  "RateLimit-Policy": {
    description: "Each limit that counts the request: its quota `q` in `w` seconds.",
    example: '"api-ip";q=100;w=60',
  },
  RateLimit: {
    description: "What is left of each limit (`r`), and the seconds until more is left (`t`).",
    example: '"api-ip";r=99;t=1',
  },
  "X-RateLimit-Limit": {
    description: "The quota of the limit with the least left.",
    example: "100",
  },
  "X-RateLimit-Remaining": { description: "What is left of that limit.", example: "99" },
  "X-RateLimit-Reset": {
    description: "The Unix time in seconds at which more is left.",
    example: "1796000000",
  },
  traceparent: {
    description:
      "The trace of the request (W3C Trace Context). Its flags say whether it is sampled.",
    example: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  },
  "Retry-After": { description: "The seconds to wait before the next attempt.", example: "1" },
  "WWW-Authenticate": {
    description: "The challenge: a bearer token is needed.",
    example: 'Bearer realm="strata"',
  },
  Accept: { description: "The media type that the operation takes.", example: "application/json" },
  "X-Invalidation": {
    description:
      "`done`: every isolate sees the change within the coherence bound. `deferred`: Redis does not answer, and they see it as soon as it does.",
    example: "done",
  },
  "X-Live-Events": {
    description:
      "`done`: the listeners of the stock have the change. `deferred`: they get it with the next delivery.",
    example: "done",
  },
  "X-Accel-Buffering": {
    description: "`no`: proxies pass the stream on at once.",
    example: "no",
  },
  Upgrade: { description: "The protocol that the operation needs.", example: "websocket" },
  "Idempotency-Replayed": {
    description: "`true`: this is the stored answer of an earlier request with the same key.",
    example: "true",
  },
  Location: { description: "The path of what was created.", example: "/products/1001" },
  "Set-Cookie": {
    description: "A cookie of the answer.",
    example: "__Host-session=…; Secure; HttpOnly; SameSite=Lax; Path=/",
  },
} as const satisfies Readonly<Record<string, FieldEntry>>;

/** The name of a response field. */
export type FieldName = keyof typeof FIELDS;

/** The fields of an answer that was made with values from the cache. */
export const OF_CACHE_READS: readonly FieldName[] = ["Cache-Status", "X-Cache-Status"];

/** The fields of an answer that may be a stored one. */
export const OF_CACHED: readonly FieldName[] = [...OF_CACHE_READS, "Age", "ETag"];

/** The fields of an answer to a request with an Idempotency-Key. */
export const OF_REPLAYS: readonly FieldName[] = ["Idempotency-Replayed"];

/** The fields of every answer. Those of rate limits are absent for callers that no limit counts. */
export const OF_EVERY_ANSWER: readonly FieldName[] = [
  "Server-Timing",
  "X-Response-Time",
  "RateLimit-Policy",
  "RateLimit",
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset",
  "traceparent",
];

/** Returns references to the descriptions of the fields. */
export function headersOf(fields: readonly FieldName[]) {
  return Object.fromEntries(fields.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
