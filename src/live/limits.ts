import { MAX_MESSAGE_CHARS, type ListenRefusal } from "../core/live-event.ts";
import type { Millis } from "../core/time.ts";

/** The most connections of one topic. The platform allows an object 32,768 WebSockets. */
export const MAX_LISTENERS = 10_000;
/** The most connections of one client address to one topic. An office may share an address. */
export const MAX_LISTENERS_PER_CLIENT = 100;
/** The events that a topic keeps for listeners that come back. */
export const KEPT_EVENTS = 256;
/** The database counts characters of up to 4 bytes. */
const MAX_EVENT_BYTES = 4 * MAX_MESSAGE_CHARS + 128;
/**
 * The most bytes that wait for one reader of server-sent events. All events that a topic keeps fit
 * in, so that a reader that resumes is not taken for a slow one.
 */
export const MAX_QUEUED_BYTES = (KEPT_EVENTS + 1) * MAX_EVENT_BYTES;
/** The most bytes that wait for all readers of server-sent events in one isolate, which has 128 MB for everything. */
export const MAX_QUEUED_BYTES_OF_ISOLATE = 4 * 1_024 * 1_024;
/** The pause between two comments that keep a stream of server-sent events open. */
export const STREAM_HEARTBEAT_MS: Millis = 15_000;
/** The pause between two messages that keep WebSockets open. Each wakes the object. */
export const SOCKET_HEARTBEAT_MS: Millis = 60_000;

/** The open connections of a topic. */
export interface ListenerCounts {
  readonly all: number;
  readonly ofClient: number;
}

/** Decides whether one more connection is refused. */
export function refusalOf({ all, ofClient }: ListenerCounts): ListenRefusal | undefined {
  if (ofClient >= MAX_LISTENERS_PER_CLIENT) return "client-limit";
  return all >= MAX_LISTENERS ? "topic-limit" : undefined;
}
