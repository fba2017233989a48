import type { Context } from "../core/context.ts";
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { done, failed } from "../core/faults.ts";
import type { ListenerStart, ListenRefusal } from "../core/live-event.ts";
import type { Listening, LiveTopics } from "../core/live-topics.ts";
import type { Millis } from "../core/time.ts";
import {
  LISTENER_FIELD,
  REFUSAL_FIELD,
  START_FIELD,
  type ListenerRequest,
  type TopicObjectRpc,
} from "./topic-object.ts";

export interface TopicPortOptions {
  /**
   * Creates a stub for the object with this name. Each call creates a new stub, because a stub
   * cannot be used again after an error.
   */
  readonly stub: (name: string) => TopicObjectRpc;
  readonly namespace: string;
  /** The time limit of a delivery. */
  readonly deliverMs: Millis;
  /** The time limit of the opening of a connection. The object may read the database meanwhile. */
  readonly listenMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** A connection may open so long after its client was refused. The platform ends deferred work after 30 s. */
const LATE_MS: Millis = 25_000;

/** Implements `LiveTopics` with calls of the topic's object. */
export function createTopicPort(options: TopicPortOptions): LiveTopics {
  const { stub, namespace, deliverMs, listenMs, withTimeout } = options;

  async function call<T>(method: string, ctx: Context, send: () => Promise<T>): Promise<T> {
    const startedAt = ctx.now();
    let outcome = "ok";
    try {
      return await send();
    } catch (error) {
      outcome = isDeadlineExceeded(error) ? "live.timeout" : "live.unavailable";
      throw error;
    } finally {
      const ms = ctx.now() - startedAt;
      ctx.emit({ type: "durable.end", method, startedAt, ms, outcome, spanId: "" });
    }
  }

  return {
    async deliver(topic, events, ctx) {
      try {
        const { upTo, isComplete } = await call("TopicObject/deliver", ctx, async () =>
          withTimeout(
            stub(topicObject(namespace, topic)).deliver({ namespace, topic }, events),
            deliverMs,
          ),
        );
        return isComplete ? done(upTo) : failed("live.rejected", "an earlier event is missing");
      } catch (error) {
        return isDeadlineExceeded(error)
          ? failed("live.timeout", error.message)
          : failed("live.unavailable", "the object of the topic cannot be reached");
      }
    },

    async listen(listener, ctx): Promise<Listening> {
      const { topic } = listener;
      const content: ListenerRequest = { name: { namespace, topic }, listener };
      const headers = {
        Upgrade: "websocket",
        [LISTENER_FIELD]: encodeURIComponent(JSON.stringify(content)),
      };
      try {
        const { webSocket, headers: fields } = await call("TopicObject/listen", ctx, async () => {
          const answer = stub(topicObject(namespace, topic)).fetch(
            new Request("https://topic.invalid/", { headers }),
          );
          return withTimeout(answer, listenMs).catch((error: unknown) => {
            // A connection that opens too late would stay open without a client.
            const closing = answer.then(close, () => undefined);
            ctx.defer(withTimeout(closing, LATE_MS).catch(() => undefined));
            throw error;
          });
        });
        if (webSocket !== null && webSocket !== undefined)
          return { ok: true, socket: webSocket, start: fields.get(START_FIELD) as ListenerStart };
        return {
          ok: false,
          reason: (fields.get(REFUSAL_FIELD) as ListenRefusal | null) ?? "unavailable",
        };
      } catch {
        return { ok: false, reason: "unavailable" };
      }
    },
  };
}

/** Returns the name of the object of a topic. */
export function topicObject(namespace: string, topic: string): string {
  return `${namespace}-topic-${topic}`;
}

function close({ webSocket }: Response): void {
  webSocket?.accept();
  webSocket?.close(1001, "too late");
}
