import { bytesOf } from "./text-bytes.ts";

/** Statuses whose responses have no content (RFC 9110, 15). The runtime refuses a body for them. */
export const NULL_BODY_STATUSES: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** Makes a response with exactly these bytes. The runtime does not apply Content-Encoding to them again. */
export function rawResponse(
  body: Uint8Array | ReadableStream | string | null,
  status: number,
  headers: Headers,
  statusText?: string,
): Response {
  const init: ResponseInit = { status, headers, ...(statusText && { statusText }) };
  if (headers.has("Content-Encoding")) init.encodeBody = "manual";
  // The runtime adds a Content-Type to a string body without one, but not to bytes. So such a body
  // is sent as bytes.
  const content = typeof body === "string" && !headers.has("Content-Type") ? bytesOf(body) : body;
  return new Response(NULL_BODY_STATUSES.has(status) ? null : content, init);
}
