/** The texts that listeners get, one for each transport. */
import type { LiveTransport } from "../core/live-event.ts";

/** An event as a listener gets it. `id` is the id that the listener sends when it comes back. */
export interface Frame {
  readonly kind: "update" | "snapshot" | "reset";
  readonly id: string;
  /** A JSON object as text. */
  readonly message: string;
}

/** Formats an event for the transport. */
export function format(frame: Frame, transport: LiveTransport): string {
  return transport === "events" ? sseText(frame) : socketText(frame);
}

/**
 * An event of a stream (WHATWG HTML, 9.2.6). Updates have no name, so that `onmessage` of an
 * EventSource gets them; it does not get the others.
 */
function sseText({ kind, id, message }: Frame): string {
  const name = kind === "update" ? "" : `event: ${kind}\n`;
  const data = message
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join("");
  return `${name}id: ${id}\n${data}\n`;
}

/**
 * A message of a WebSocket. The event's message is a member of its own, so that its members `event` and `id` cannot
 * take the place of those of the frame.
 */
function socketText({ kind, id, message }: Frame): string {
  return `{"event":"${kind}","id":"${id}","data":${message}}`;
}

/** The message that keeps WebSockets open. */
export const SOCKET_HEARTBEAT = '{"event":"heartbeat"}';
