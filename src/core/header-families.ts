/** A field has a name of the IETF (`ietf`), a name with `X-` (`x`), or both. */
export type FieldNames = "ietf" | "x" | "both";

/** The families of response fields that the layer sends. */
export interface HeaderFamilies {
  /** `RateLimit-Policy` and `RateLimit`, `X-RateLimit-*`, or both. */
  readonly rateLimit: FieldNames;
  /** `Cache-Status`, `X-Cache-Status`, or both. */
  readonly cacheStatus: FieldNames;
  /** Whether `Server-Timing` and `X-Response-Time` are sent. */
  readonly timing: boolean;
  /** Whether `traceparent` is sent. */
  readonly trace: boolean;
}

/** The default: every family is sent. */
export const ALL_HEADERS: HeaderFamilies = {
  rateLimit: "both",
  cacheStatus: "both",
  timing: true,
  trace: true,
};
