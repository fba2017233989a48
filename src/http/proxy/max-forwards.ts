/** TRACE and OPTIONS that say how far they go (RFC 9110, 7.6.2); for other methods it means nothing. */

/** More hops than any path has. */
const MAX_FORWARDS = 255;

/** How often the request may still be forwarded; undefined where it sets no limit. */
export function forwardsLeft(request: Request): number | undefined {
  if (request.method !== "TRACE" && request.method !== "OPTIONS") return undefined;
  const text = request.headers.get("Max-Forwards");
  return text !== null && /^\d+$/.test(text) ? Math.min(Number(text), MAX_FORWARDS) : undefined;
}

/** Fields that a TRACE must not give back: a script could read them there (RFC 9110, 9.3.8). */
const SECRET = /^(?:authorization|cookie|proxy-.*|cf-.*)$/;

/** The answer to a request that ends here, as its last recipient gives it. */
export function answerAsLast(request: Request): Response {
  if (request.method === "OPTIONS") return new Response(null, { status: 204 });
  const { pathname, search } = new URL(request.url);
  const fields = [...request.headers].filter(([name]) => !SECRET.test(name));
  const lines = [`TRACE ${pathname}${search} HTTP/1.1`, ...fields.map((field) => field.join(": "))];
  return new Response(`${lines.join("\r\n")}\r\n\r\n`, {
    headers: { "Content-Type": "message/http", "Cache-Control": "no-store" },
  });
}
