import { DurableObject } from "cloudflare:workers";
import type { WithTimeout } from "../core/deadline.ts";
import type { LiveEvent, LiveTransport } from "../core/live-event.ts";
import type { Listener } from "../core/live-topics.ts";
import type { NewId } from "../core/random.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";
import { epochOf, formatEventId } from "../live/event-id.ts";
import { format, SOCKET_HEARTBEAT, type Frame } from "../live/frames.ts";
import { KEPT_EVENTS, refusalOf, SOCKET_HEARTBEAT_MS } from "../live/limits.ts";
import { judgeEvent, startOf, type Start } from "../live/topic-state.ts";
import {
  openTopicLog,
  storedName,
  type KeptEvent,
  type TopicLog,
  type TopicName,
} from "./topic-log.ts";
import type { ObjectClass } from "./object-class.ts";

/** The methods that isolates call. They open connections with `fetch`. */
export interface TopicObjectRpc {
  /** Takes events of the topic, or reads those that it lacks from the database if there are none. */
  deliver(name: TopicName, events: readonly LiveEvent[]): Promise<TopicAnswer>;
  fetch(request: Request): Promise<Response>;
}

/** The answer to a delivery. */
export interface TopicAnswer {
  /** The object has every event up to this number on disk. */
  readonly upTo: number;
  /** Whether it has all events of the delivery. It lacks some if an earlier event is missing and the database does not answer. */
  readonly isComplete: boolean;
}

/** A message for a Redis channel. */
export interface ChannelMessage {
  readonly channel: string;
  readonly message: string;
}

export interface TopicObjectOptions<Env> {
  readonly now: Clock;
  readonly newId: NewId;
  readonly withTimeout: WithTimeout;
  /** Reads the events of the topic after a number from the database, in their order. */
  readonly createRead: (
    env: Env,
    name: TopicName,
  ) => (after: number, limit: number) => Promise<readonly LiveEvent[]>;
  /** Sends messages to Redis channels, in their order. Returns whether Redis has confirmed all of them. */
  readonly createPublish: (env: Env) => (messages: readonly ChannelMessage[]) => Promise<boolean>;
}

/** The request field in which an isolate describes a listener. */
export const LISTENER_FIELD = "X-Strata-Listener";
/** The response fields that say how the listener starts, or why it was refused. */
export const START_FIELD = "X-Strata-Start";
export const REFUSAL_FIELD = "X-Strata-Refusal";

/** A connection reads missed events from the database, unless they were read within this time. */
const READ_AT_MOST_EVERY_MS: Millis = 1_000;
/** A connection waits no longer for missed events. They come as updates when they have been read. */
const READ_TIMEOUT_MS: Millis = 1_000;
const PUBLISH_AT_ONCE = 100;
const PUBLISH_AGAIN_MS: Millis = 1_000;
/** Closes a connection whose client sends messages (RFC 6455, 7.4.1: policy violation). */
const CLOSE_TALKER = 1008;

/**
 * The Durable Object of one topic. It keeps the newest events on disk, sends each to every listener and
 * to the event's Redis channel, in the order of the commits. All its listeners are WebSockets that hibernate, also
 * those whose client gets server-sent events: their isolate turns the messages into a stream.
 *
 * A socket needs no note of the last event that it got: each event is sent to all sockets in the
 * same turn in which it is stored, and a new socket gets what it missed in the turn in which it is accepted.
 */
export function createTopicObject<Env>(
  options: TopicObjectOptions<Env>,
): ObjectClass<Env, TopicObjectRpc> {
  const { now, newId, withTimeout, createRead, createPublish } = options;

  return class TopicObject extends DurableObject<Env> implements TopicObjectRpc {
    #log: TopicLog | undefined;
    #name: TopicName | undefined;
    #reading: Promise<boolean> | undefined;
    #readAt: EpochMs = 0;
    #isPublishing = false;
    /** The next heartbeat. Forgotten while the object hibernates, so one may come early. */
    #beatAt: EpochMs = 0;

    constructor(state: DurableObjectState, env: Env) {
      super(state, env);
      state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    }

    async deliver(name: TopicName, events: readonly LiveEvent[]): Promise<TopicAnswer> {
      const log = this.#open(name);
      const isComplete = await this.#takeAll(log, name, events);
      this.ctx.waitUntil(this.#publish(log));
      return { upTo: log.state().last, isComplete };
    }

    override async fetch(request: Request): Promise<Response> {
      const field = request.headers.get(LISTENER_FIELD) ?? "";
      const { name, listener } = JSON.parse(decodeURIComponent(field)) as ListenerRequest;
      const log = this.#open(name);
      if (now() - this.#readAt >= READ_AT_MOST_EVERY_MS)
        await withTimeout(this.#readMissed(log, name), READ_TIMEOUT_MS).catch(() => false);
      const refusal = refusalOf({
        all: this.ctx.getWebSockets().length,
        ofClient: this.ctx.getWebSockets(clientTag(listener.client)).length,
      });
      if (refusal !== undefined)
        return new Response(null, { status: 503, headers: { [REFUSAL_FIELD]: refusal } });
      const { 0: far, 1: near } = new WebSocketPair();
      const start = startOf(log.state(), listener.lastEventId);
      this.ctx.acceptWebSocket(near, [listener.transport, clientTag(listener.client)]);
      for (const frame of firstFrames(log, start, listener.initial))
        near.send(format(frame, listener.transport));
      if (listener.transport === "socket") await this.#wakeBy(now() + SOCKET_HEARTBEAT_MS);
      return new Response(null, {
        status: 101,
        webSocket: far,
        headers: { [START_FIELD]: start.kind },
      });
    }

    override async alarm(): Promise<void> {
      const name = storedName(this.ctx.storage);
      if (name === undefined) return;
      await this.#publish(this.#open(name));
      await this.#beat();
    }

    /** A listener has nothing to say: a message ends its connection. "ping" is answered by the platform. */
    override webSocketMessage(socket: WebSocket): void {
      socket.close(CLOSE_TALKER, "this connection takes no messages but ping");
    }

    override webSocketClose(socket: WebSocket): void {
      socket.close();
    }

    #open(name: TopicName): TopicLog {
      this.#name ??= name;
      if (this.#name.namespace !== name.namespace || this.#name.topic !== name.topic)
        throw new Error("the object belongs to another topic");
      this.#log ??= openTopicLog(this.ctx.storage, name, () => epochOf(newId()));
      return this.#log;
    }

    /** Takes the events, or reads them from the database if an earlier one is missing. Returns whether the log has them. */
    async #takeAll(log: TopicLog, name: TopicName, events: readonly LiveEvent[]): Promise<boolean> {
      if (events.length > 0 && events.every((event) => this.#take(log, event))) return true;
      // A read that runs already may have begun before the events were committed.
      await this.#reading;
      return this.#readMissed(log, name);
    }

    /** Adds an event to the log and sends it. Returns false if an earlier event is missing. */
    #take(log: TopicLog, event: LiveEvent): boolean {
      const verdict = judgeEvent(log.state(), event);
      if (verdict === "gap") return false;
      if (verdict === "known") return true;
      if (verdict === "restored") log.restart();
      log.append(event);
      const { epoch } = log.state();
      this.#broadcast({
        kind: verdict === "restored" ? "reset" : "update",
        id: formatEventId({ epoch, number: event.id }),
        message: event.message,
      });
      return true;
    }

    #broadcast(frame: Frame): void {
      for (const transport of ["events", "socket"] satisfies LiveTransport[]) {
        const sockets = this.ctx.getWebSockets(transport);
        if (sockets.length === 0) continue;
        const text = format(frame, transport);
        for (const socket of sockets) send(socket, text);
      }
    }

    /**
     * Takes the events that the log lacks from the database. Calls at the same time share one read. The read begins at
     * the oldest event that waits: the events of a restored database have lower numbers than the newest of the log.
     */
    #readMissed(log: TopicLog, name: TopicName): Promise<boolean> {
      this.#reading ??= this.#readAll(log, createRead(this.env, name)).finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }

    async #readAll(log: TopicLog, read: ReturnType<typeof createRead>): Promise<boolean> {
      this.#readAt = now();
      for (let after = 0; ;) {
        const events = await read(after, KEPT_EVENTS).catch(() => undefined);
        if (events === undefined) return false;
        for (const event of events) this.#take(log, event);
        if (events.length < KEPT_EVENTS) return true;
        after = events.at(-1)?.id ?? after;
      }
    }

    /** Sends the events that have a channel to Redis. One run at a time, so that they keep their order. */
    async #publish(log: TopicLog): Promise<void> {
      if (this.#isPublishing) return;
      this.#isPublishing = true;
      try {
        for (;;) {
          const events = log.after(log.published(), PUBLISH_AT_ONCE);
          const newest = events.at(-1);
          if (newest === undefined) return;
          const { epoch } = log.state();
          const messages = events.flatMap(({ channel, message }) =>
            channel === null ? [] : [{ channel, message }],
          );
          if (messages.length > 0 && !(await createPublish(this.env)(messages)))
            return await this.#wakeBy(now() + PUBLISH_AGAIN_MS);
          // The numbers of another epoch say nothing about this one.
          if (log.state().epoch === epoch) log.markPublished(newest.number);
        }
      } finally {
        this.#isPublishing = false;
      }
    }

    /** Sends a heartbeat to the WebSockets of clients if one is due, and sets the alarm for the next one. */
    async #beat(): Promise<void> {
      const sockets = this.ctx.getWebSockets("socket" satisfies LiveTransport);
      if (sockets.length === 0) return;
      if (now() >= this.#beatAt) {
        this.#beatAt = now() + SOCKET_HEARTBEAT_MS;
        for (const socket of sockets) send(socket, SOCKET_HEARTBEAT);
      }
      await this.#wakeBy(this.#beatAt);
    }

    /** Sets the alarm to `at` unless it is set to an earlier instant. */
    async #wakeBy(at: EpochMs): Promise<void> {
      const set = await this.ctx.storage.getAlarm();
      if (set === null || at < set) await this.ctx.storage.setAlarm(at);
    }
  };
}

/** The content of LISTENER_FIELD, as JSON. */
export interface ListenerRequest {
  readonly name: TopicName;
  readonly listener: Listener;
}

function clientTag(client: string): string {
  return `client ${client}`.slice(0, 256);
}

/** The first frames of a listener: the events that it missed, or the state of the topic. */
function firstFrames(log: TopicLog, { kind, after }: Start, initial: string): Frame[] {
  const { epoch, last } = log.state();
  const frame = (kindOfFrame: Frame["kind"], number: number, message: string): Frame => ({
    kind: kindOfFrame,
    id: formatEventId({ epoch, number }),
    message,
  });
  if (kind === "resumed")
    return log
      .after(after)
      .map(({ number, message }: KeptEvent) => frame("update", number, message));
  return [frame(kind, last, log.newest()?.message ?? initial)];
}

/** Sends a text. A socket that is closing gets none: its client comes back with the id of its last event. */
function send(socket: WebSocket, text: string): void {
  try {
    socket.send(text);
  } catch {
    // The platform removes the socket when it has closed.
  }
}
