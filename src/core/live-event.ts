/** The events of topics, and how listeners get them. */
import type { EpochMs } from "./time.ts";

/** An event of a topic as the database has committed it. */
export interface LiveEvent {
  /** The id of its row. Within a topic, ids rise in the order of the commits. */
  readonly id: number;
  /** The highest id of an earlier event of the topic that is not known to be delivered; 0 if there is none. */
  readonly previous: number;
  /** The instant of the event by the database's clock. */
  readonly at: EpochMs;
  /** The Redis channel that gets the message too. Null for none. */
  readonly channel: string | null;
  /** A JSON object as text, at most MAX_MESSAGE_CHARS long. */
  readonly message: string;
}

/** A committed event with the name of its topic. */
export interface TopicEvent extends LiveEvent {
  readonly topic: string;
}

/** How a client receives events: as server-sent events, or over a WebSocket. */
export type LiveTransport = "events" | "socket";

/**
 * The first thing that a listener gets.
 *
 * - `snapshot`: the state, because the client has no earlier event
 * - `resumed`: every event that it missed
 * - `reset`: the state, because the events that it missed are no longer known
 */
export type ListenerStart = "snapshot" | "resumed" | "reset";

/** Why a connection was refused: the client or the topic has too many, or the object cannot be reached. */
export type ListenRefusal = "client-limit" | "topic-limit" | "unavailable";

/** The longest message of an event, in characters. Larger values belong into the cache, under a key that the message names. */
export const MAX_MESSAGE_CHARS = 1_024;
