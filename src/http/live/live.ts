/** The responses that connect a client to the live events of a topic. */
import type { Context } from "../../core/context.ts";
import { identityInField } from "../../core/client-address.ts";
import { DefinitionError } from "../../core/faults.ts";
import {
  MAX_MESSAGE_CHARS,
  type LiveTransport,
  type ListenRefusal,
} from "../../core/live-event.ts";
import type { LiveTopics } from "../../core/live-topics.ts";
import type { Random } from "../../core/random.ts";
import {
  MAX_QUEUED_BYTES,
  MAX_QUEUED_BYTES_OF_ISOLATE,
  STREAM_HEARTBEAT_MS,
} from "../../live/limits.ts";
import { createQueueBudget } from "../../live/queue-budget.ts";
import { problem } from "../cache/problem.ts";
import { isWebSocketRequest } from "../proxy/upgrade.ts";
import { createEventStream } from "./event-stream.ts";

/** A client that wants the events of a topic. */
export interface LiveOptions {
  /** The name of the topic, 1 to 256 characters. */
  readonly topic: string;
  /** `events`: the response is a stream of server-sent events. `socket`: it opens a WebSocket. */
  readonly transport: LiveTransport;
  /**
   * The id of the last event that the client has received. Default: the request field `Last-Event-ID`.
   */
  readonly lastEventId?: string | undefined;
  /**
   * The state of the topic now. A new listener gets it first if the topic has had no event yet. A
   * JSON object of at most 1,024 characters.
   */
  readonly initial: object;
}

/** Connects clients to the live events of topics. */
export interface Live {
  /**
   * Answers a request with the events of a topic, or with a problem: 426 if a WebSocket is wanted and the
   * request asks for none, 429 if the client has too many connections, 503 if the topic has too
   * many or cannot be reached.
   *
   * @throws {DefinitionError} if the topic is empty or too long, or the initial state is too long
   * @example
   * app.get("/scores/:game", async (c) =>
   *   strata.live.listen(
   *     c.req.raw,
   *     { topic: `score:${c.req.param("game")}`, transport: "events", initial: { score: 0 } },
   *     c.var.strata.ctx,
   *   ),
   * );
   */
  listen(request: Request, options: LiveOptions, ctx: Context): Promise<Response>;
}

export interface LiveParts {
  /** Undefined without the binding `LIVE`. */
  readonly topics: Pick<LiveTopics, "listen"> | undefined;
  /** The request field with the address of the client. */
  readonly addressHeader: string;
  readonly random: Random;
}

/** Clients come back after 1 to 3 s: together they would come as one wave. */
const MIN_RETRY_MS = 1_000;
const RETRY_SPREAD_MS = 2_000;
const MAX_ID_CHARS = 64;
const MAX_TOPIC_CHARS = 256;
/** Buffering proxies pass a stream on at once if they see the last field. */
const STREAM_FIELDS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  "X-Accel-Buffering": "no",
} as const;

export function createLive({ topics, addressHeader, random }: LiveParts): Live {
  const budget = createQueueBudget(MAX_QUEUED_BYTES_OF_ISOLATE);
  return {
    async listen(request, { topic, transport, initial, ...options }, ctx) {
      if (topic === "" || topic.length > MAX_TOPIC_CHARS)
        throw new DefinitionError("topic", `must have 1 to ${MAX_TOPIC_CHARS} characters`);
      const state = JSON.stringify(initial);
      if (state.length > MAX_MESSAGE_CHARS)
        throw new DefinitionError("initial", `must have at most ${MAX_MESSAGE_CHARS} characters`);
      if (transport === "socket" && !isWebSocketRequest(request)) return upgradeRequired();
      // A stream that answers HEAD would have no reader.
      if (request.method === "HEAD") return new Response(null, { headers: STREAM_FIELDS });
      const { headers, signal } = request;
      const lastEventId = options.lastEventId ?? headers.get("Last-Event-ID") ?? undefined;
      const listening = (await topics?.listen(
        {
          topic,
          transport,
          client: identityInField(headers.get(addressHeader) ?? "") ?? "unknown",
          lastEventId: lastEventId?.slice(0, MAX_ID_CHARS),
          initial: state,
        },
        ctx,
      )) ?? { ok: false, reason: "unavailable" };
      const outcome = listening.ok ? listening.start : listening.reason;
      ctx.emit({ type: "live.listen", transport, outcome });
      if (!listening.ok) return refusal(listening.reason);
      if (transport === "socket")
        return new Response(null, { status: 101, webSocket: listening.socket });
      const body = createEventStream(listening.socket, {
        signal,
        retryMs: MIN_RETRY_MS + Math.floor(random() * RETRY_SPREAD_MS),
        heartbeatMs: STREAM_HEARTBEAT_MS,
        maxQueuedBytes: MAX_QUEUED_BYTES,
        budget,
      });
      return new Response(body, { headers: STREAM_FIELDS });
    },
  };
}

function refusal(reason: ListenRefusal): Response {
  const headers = { "Retry-After": "5" };
  switch (reason) {
    case "client-limit":
      return problem({
        status: 429,
        type: "too-many-connections",
        title: "Too Many Connections",
        detail: "This client has too many connections to this topic.",
        headers,
      });
    case "topic-limit":
      return problem({
        status: 503,
        type: "topic-full",
        title: "Topic Full",
        detail: "This topic has as many connections as it can have.",
        headers,
      });
    case "unavailable":
      return problem({
        status: 503,
        type: "live-unavailable",
        title: "Live Events Unavailable",
        detail: "Live events cannot be sent at the moment.",
        headers,
      });
  }
}

function upgradeRequired(): Response {
  return problem({
    status: 426,
    type: "upgrade-required",
    title: "Upgrade Required",
    detail: "This route opens a WebSocket.",
    headers: { Upgrade: "websocket" },
  });
}
