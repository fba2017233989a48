/** The port to the objects that keep the events of topics. */
import type { Context } from "./context.ts";
import type { ListenerStart, ListenRefusal, LiveEvent, LiveTransport } from "./live-event.ts";
import type { Result } from "./result.ts";

/** Delivers events to topics, and opens connections to them. */
export interface LiveTopics {
  /**
   * Delivers events of a topic. The value is the highest id up to which the object has every event
   * of the topic on disk. Without events the object reads those that it lacks from the database.
   */
  deliver(topic: string, events: readonly LiveEvent[], ctx: Context): Promise<Result<number>>;
  /** Opens a connection to the topic. */
  listen(listener: Listener, ctx: Context): Promise<Listening>;
}

/** A client that wants the events of a topic. */
export interface Listener {
  readonly topic: string;
  readonly transport: LiveTransport;
  /** The identity of the client's address, for the limit of connections. */
  readonly client: string;
  /** The id of the last event that the client has received. Any text, because clients send it. */
  readonly lastEventId: string | undefined;
  /** The message that tells the state of the topic if it has had no event yet. A JSON object as text. */
  readonly initial: string;
}

/** The answer to a client that wants a connection. */
export type Listening =
  | { readonly ok: true; readonly socket: WebSocket; readonly start: ListenerStart }
  | { readonly ok: false; readonly reason: ListenRefusal };
