import type { ServerResponse } from "node:http";
import type { RedisEngine } from "../redis/engine.ts";

/**
 * Sends Upstash's subscription as server-sent events: first `data: subscribe,<name>,1`, then `data:
 * message,<channel>,<text>` or `data: pmessage,<pattern>,<channel>,<text>` for each message. The
 * stream ends when the client disconnects.
 */
export async function streamSubscription(
  engine: RedisEngine,
  kind: "channel" | "pattern",
  name: string,
  response: ServerResponse,
): Promise<void> {
  const early: string[] = [];
  let write = (event: string): void => void early.push(event);
  const unsubscribe = await engine.subscribe(kind, name, (channel, message) => {
    const text = message.toString();
    write(
      kind === "channel" ? `message,${channel},${text}` : `pmessage,${name},${channel},${text}`,
    );
  });
  if (response.destroyed) {
    unsubscribe();
    return;
  }
  response.once("close", unsubscribe);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  write = (event) =>
    void response.write(`data: ${event.replaceAll("\r", "").replaceAll("\n", "\ndata: ")}\n\n`);
  write(`${kind === "channel" ? "subscribe" : "psubscribe"},${name},1`);
  for (const event of early) write(event);
}
