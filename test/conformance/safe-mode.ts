/**
 * The requirements that the cache does not meet in safe mode, by the reason. Safe mode shares less
 * than RFC 9111 allows, and ignores the cache directives of requests. docs/http.md repeats the list.
 */
export const NOT_IN_SAFE_MODE: Readonly<Record<string, readonly string[]>> = {
  "the cache directives of requests are ignored": [
    "9111, 3: replace a stored response by one that may not be stored",
    "9111, 3: store the response to a request with no-store",
    "9111, 4.3.5: treat the stored response as stale if a HEAD has another Content-Length",
    "9111, 4.3.5: treat the stored response as stale if a HEAD has another ETag",
    "9111, 4.3.5: treat the stored response as stale if a HEAD has another Last-Modified",
    "9111, 5.2.1.1: compare Age with the request's max-age",
    "9111, 5.2.1.1: revalidate a response older than the request's max-age",
    "9111, 5.2.1.2: reuse a response of any staleness for max-stale without a value",
    "9111, 5.2.1.2: reuse a response that is stale by less than max-stale",
    "9111, 5.2.1.3: revalidate a response that is fresh for less than min-fresh",
    "9111, 5.2.1.4: ask the origin for a request with no-cache",
    "9111, 5.2.1.4: reuse after validation for a request with no-cache",
    "9111, 5.2.1.7: answer only-if-cached with 504 if no response is stored",
    "9111, 5.2.1.7: answer only-if-cached with 504 if the stored response is stale",
    "9111, 5.4: treat Pragma: no-cache in a request as no-cache",
    "9211, 2: append its own Cache-Status member after those of other caches",
    "5861, 4: serve stale instead of an error if the request has stale-if-error",
  ],
  "the response to a request with credentials needs public, s-maxage or CDN-Cache-Control": [
    "9111, 3.5: reuse the response to a request with Authorization if it has must-revalidate",
  ],
  "a stored response without such a permission answers no request with credentials": [
    "9111, 3.5: answer a request with Authorization from a stored response",
  ],
  "Set-Cookie needs the same permission, and is not stored": [
    "9111, 3: store a response with Set-Cookie and explicit freshness",
    "9111, 3.2: have Set-Cookie: a=2 after a 304 with Set-Cookie: a=2",
    "9111, 5.2.2.7: send the fields that private names to the client that asked",
  ],
  "statuses that a client can provoke, or that deny access to one client, are not stored": [
    "9111, 3: store any final status with explicit freshness: 400",
    "9111, 3: store any final status with explicit freshness: 401",
    "9111, 3: store any final status with explicit freshness: 403",
    "9111, 3: store any final status with explicit freshness: 405",
    "9111, 3: store any final status with explicit freshness: 414",
    "9111, 3: store any final status with explicit freshness: 500",
    "9111, 3: store any final status with explicit freshness: 501",
    "9111, 3: store any final status with explicit freshness: 502",
    "9111, 3: store any final status with explicit freshness: 503",
    "9111, 3: store any final status with explicit freshness: 504",
    "9111, 3: store any final status with explicit freshness: 599",
    "9111, 4.2.2: give 405 10 % of the time since Last-Modified as lifetime",
    "9111, 4.2.2: give 414 10 % of the time since Last-Modified as lifetime",
    "9111, 4.2.2: give 501 10 % of the time since Last-Modified as lifetime",
    "9111, 4.2.2: give any status with public a heuristic lifetime",
  ],
  "a response that was never fresh is never served stale": [
    "5861, 3: count staleness from Date if Expires is before Date",
  ],
  "stale-while-revalidate counts beside s-maxage": [
    "9111, 4.2.4: serve a response with s-maxage=10 stale during revalidation",
  ],
  "TRACE is answered with 405": [
    "9110, 7.6.2: decrement Max-Forwards of TRACE",
    "9110, 7.6.2: forward TRACE with Max-Forwards: 0",
  ],
  "only POST, PUT, PATCH and DELETE invalidate, and only their own URI": [
    "9111, 4.4: invalidate the URI after LOCK",
    "9111, 4.4: invalidate the URI after MKCOL",
    "9111, 4.4: invalidate the URI after PROPPATCH",
    "9111, 4.4: invalidate the URI after PURGE",
    "9111, 4.4: invalidate the URI in Content-Location",
    "9111, 4.4: invalidate the URI in Location",
    "9111, 4.4: invalidate the absolute URI in Content-Location",
    "9111, 4.4: invalidate the absolute URI in Location",
  ],
  "the response to a POST is not stored for GET": [
    "9111, 3: reuse the response to a POST for GET if Content-Location is the target URI",
  ],
  "HEAD, conditions and ranges are answered from one GET for the whole response": [
    "9111, 4.3.1: forward the client's condition if the stored response has no validator",
    "9111, 4.3.3: relay a 304 that answers the client's own condition",
    "9111, 4.3.5: update the stored response by a HEAD that describes it",
    "9111, 4: answer GET from the response to a HEAD",
  ],
  "a 304 in another coding makes the cache ask anew": [
    "9111, 3.2: have Content-Encoding: x-b after a 304 with Content-Encoding: x-b",
  ],
};
