/**
 * The side of a Durable Object: it makes the call of a question, keeps the recording while it runs, and
 * stores the whole answer in Redis. It goes on when its readers leave.
 */
import type { AnswerEnd, CallLimits, Feed, RecordingHead } from "../core/answers.ts";
import type { Context } from "../core/context.ts";
import { createEntry, type LogPosition } from "../core/entry.ts";
import { definePolicy, type PolicyOptions } from "../core/policy.ts";
import type { Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Clock } from "../core/time.ts";
import type { ChatCall } from "./chat-call.ts";
import type { ChatInfo } from "./chat-stream.ts";
import { encodeBatch } from "./frame-lines.ts";
import { recordCall, type After, type CallModel } from "./record-call.ts";
import type { Recording } from "./recording.ts";
import type { Recordings } from "./recordings.ts";
import { storableAnswer } from "./stored-answer.ts";

/** The request that an isolate sends to the object of a key. */
export interface HostRequest {
  readonly key: string;
  readonly namespace: string;
  readonly after?: string | undefined;
  readonly mayStart: boolean;
  readonly position: LogPosition;
  /** The address of the model in the key. An object of another version of the Worker may have another one. */
  readonly baseUrl: string;
  readonly call: ChatCall;
  readonly limits: CallLimits;
  readonly policy: Pick<PolicyOptions, "freshFor" | "staleIfError">;
  readonly tags: readonly string[];
}

/** The header with the head of the recording. The body has the frames. */
export const HEAD_HEADER = "X-Recording";
/** The status if no recording runs that the reader may join, and it may not begin one. */
export const NONE_STATUS = 404;
/** The status if the object has another model than the key. The isolate then makes the call itself. */
const OTHER_MODEL_STATUS = 409;

/** The head as it travels. Clocks of two machines are not compared: `agoMs` is a length of time. */
export interface SentHead extends Omit<RecordingHead, "beganAt"> {
  readonly agoMs: number;
}

export interface AnswerHostOptions {
  readonly recordings: Recordings;
  /** The address of the model that this object calls. */
  readonly baseUrl: string;
  readonly callModel: (call: ChatCall) => CallModel<string, ChatInfo>;
  readonly storeOf: (namespace: string) => Pick<SharedStore, "write">;
  readonly now: Clock;
  readonly random: Random;
  readonly after: After;
  readonly ctx: Context;
}

/** Answers one join with a stream of the recording. */
export type AnswerHost = (request: HostRequest) => Response;

export function createAnswerHost(options: AnswerHostOptions): AnswerHost {
  const { recordings, callModel, now, after } = options;

  async function begin(
    request: HostRequest,
    recording: Recording<string, ChatInfo>,
  ): Promise<void> {
    await recordCall(recording, callModel(request.call), request.limits, after);
    await store(options, request, recording);
  }

  return (request) => {
    if (request.baseUrl !== options.baseUrl)
      return new Response(null, { status: OTHER_MODEL_STATUS });
    const joined = recordings.join<string, ChatInfo>({
      key: request.key,
      after: request.after,
      position: request.position,
      maxChars: request.limits.maxChars,
      maxMs: request.limits.totalMs,
      mayStart: request.mayStart,
      begin(recording) {
        const running = begin(request, recording);
        options.ctx.defer(running);
        return running.catch(() => undefined);
      },
    });
    if (joined === undefined) return new Response(null, { status: NONE_STATUS });
    const { head, feed } = joined;
    const { id, position, started } = head;
    const sent: SentHead = { id, position, started, agoMs: now() - head.beganAt };
    return new Response(linesOf(feed), { headers: { [HEAD_HEADER]: JSON.stringify(sent) } });
  };
}

/** Stores a whole answer in Redis. Readers validate it with the log, so a purge during the call holds. */
async function store(
  { storeOf, now, random, ctx }: AnswerHostOptions,
  { key, namespace, policy, tags }: HostRequest,
  recording: Recording<string, ChatInfo>,
): Promise<void> {
  const { position, beganAt } = recording;
  const { frames, end } = recording.since(0);
  // Without an era no isolate could validate the entry.
  if (!isStorable(end) || position.era === "") return;
  const result = await storableAnswer(key, frames, end.info, tags);
  const stamp = { ...position, startedAt: beganAt, storedAt: now() };
  const entry = createEntry(key, definePolicy(policy), result, stamp, random());
  await storeOf(namespace).write([entry], ctx);
}

/** Whether an answer arrived as a whole and may answer later questions. */
export function isStorable<I>(
  end: AnswerEnd<I> | undefined,
): end is Extract<AnswerEnd<I>, { readonly kind: "whole" }> {
  return end?.kind === "whole" && end.storable;
}

/** The body of a join: each pull of the reader gets all frames that have arrived since the last one. */
function linesOf(feed: Feed): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const batch = await feed.next();
        controller.enqueue(encoder.encode(encodeBatch(batch)));
        if (batch.end !== undefined) controller.close();
      },
      cancel: () => feed.cancel(),
    },
    { highWaterMark: 0 },
  );
}
