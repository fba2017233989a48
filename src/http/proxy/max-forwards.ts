/** Max-Forwards, which limits the hops of TRACE and OPTIONS (RFC 9110, 7.6.2). Other methods ignore it. */

/** Greater values count as this one. */
const MAX_FORWARDS = 255;

/** How often the request may still be forwarded; undefined if it sets no limit. */
export function forwardsLeft(request: Request): number | undefined {
  if (request.method !== "TRACE" && request.method !== "OPTIONS") return undefined;
  const text = request.headers.get("Max-Forwards");
  return text !== null && /^\d+$/.test(text) ? Math.min(Number(text), MAX_FORWARDS) : undefined;
}

/** Fields that the response to a TRACE must not repeat, because a script could read them there (RFC 9110, 9.3.8). */
const SECRET = /^(?:authorization|cookie|proxy-.*|cf-.*)$/;

/** The response of the last recipient: the request's Max-Forwards is 0. */
export function answerAsFinalRecipient(request: Request): Response {
  if (request.method === "OPTIONS") return new Response(null, { status: 204 });
  const { pathname, search } = new URL(request.url);
  const fields = [...request.headers].filter(([name]) => !SECRET.test(name));
  const lines = [`TRACE ${pathname}${search} HTTP/1.1`, ...fields.map((field) => field.join(": "))];
  return new Response(`${lines.join("\r\n")}\r\n\r\n`, {
    headers: { "Content-Type": "message/http", "Cache-Control": "no-store" },
  });
}
