/** The check that a request with a cookie was not sent by a page of another site. */

const NONE: ReadonlySet<string> = new Set();
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** The parts of a request that the check reads. */
export interface CheckedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/**
 * Whether a page of another origin may have sent the request. Browsers say so in `Sec-Fetch-Site` or
 * `Origin`, which a page cannot change. A request without both comes from a program, which has no cookies of
 * somebody else. A request with a safe method changes nothing, so that it is not checked.
 *
 * @param trusted other origins whose pages may send requests with a cookie
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function isCrossSite(
  { method, url, headers }: CheckedRequest,
  trusted: ReadonlySet<string> = NONE,
): boolean {
  if (SAFE_METHODS.has(method)) return false;
  const origin = headers.get("Origin");
  if (origin !== null && trusted.has(origin)) return false;
  const site = headers.get("Sec-Fetch-Site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  return origin !== null && origin !== new URL(url).origin;
}
