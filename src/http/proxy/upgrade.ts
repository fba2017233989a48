/** Passes WebSocket connections through to the origin (RFC 6455). Nothing of them is cached. */
import { relay } from "./collect-body.ts";
import type { Forward } from "./forward.ts";
import { forwardedHeaders, type FieldRules } from "./forwarded-fields.ts";

/** Whether the client asks for a WebSocket. Other upgrades are ignored, as RFC 9110, 7.8 allows. */
export function isWebSocketRequest({ method, headers }: Request): boolean {
  return method === "GET" && headers.get("Upgrade")?.trim().toLowerCase() === "websocket";
}

/** Fields of the opening handshake. The runtime makes its own for each of the two connections. */
const HANDSHAKE_FIELDS = [
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-version",
] as const;

/**
 * Asks the origin for a WebSocket. A 101 connects the client with the origin; every other response
 * is relayed.
 *
 * @throws {CacheUnavailable} if the origin does not answer.
 */
export async function forwardWebSocket(
  forward: Forward,
  request: Request,
  url: URL,
  rules: FieldRules,
): Promise<Response> {
  const headers = without(HANDSHAKE_FIELDS, forwardedHeaders(request, rules));
  headers.set("Upgrade", "websocket");
  const received = await forward(url, { method: "GET", headers });
  const { webSocket } = received;
  if (webSocket === undefined) return relay(received);
  const fields = without(HANDSHAKE_FIELDS, received.headers);
  return new Response(null, { status: 101, webSocket, headers: fields });
}

function without(names: readonly string[], headers: Headers): Headers {
  for (const name of names) headers.delete(name);
  return headers;
}
