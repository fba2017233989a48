/** Reads an answer as one text, or as a stream of server-sent events. */
import type { Batch, Feed, Frame } from "../core/answers.ts";
import type { Millis } from "../core/time.ts";
import { AnswerFault } from "./answer-fault.ts";
import { streamOf } from "./answer-stream.ts";
import type { ChatInfo } from "./chat-stream.ts";
import type { After } from "./record-call.ts";

/** A whole answer. */
export interface AnswerText extends ChatInfo {
  /** The whole answer. */
  readonly text: string;
}

/** Reads an answer to its end. @throws {AnswerFault} if it is cut off */
export async function textOf(feed: Feed<string, ChatInfo>): Promise<AnswerText> {
  let text = "";
  for (;;) {
    const { frames, end } = await feed.next();
    for (const [, piece] of frames) text += piece;
    if (end?.kind === "failed") throw new AnswerFault(end.fault);
    if (end !== undefined) return { text, ...end.info };
  }
}

/** Returns the feed of a stored answer that gives each frame at its recorded time. */
export function atRecordedPace<P, I>(
  feed: Feed<P, I>,
  now: () => Millis,
  sleep: (ms: Millis) => Promise<unknown>,
): Feed<P, I> {
  const startedAt = now();
  let frames: readonly Frame<P>[] = [];
  let end: Batch<P, I>["end"];
  return {
    async next() {
      if (frames.length === 0 && end === undefined) ({ frames, end } = await feed.next());
      const [frame, ...rest] = frames;
      if (frame === undefined) return { frames: [], end };
      const waitMs = startedAt + frame[0] - now();
      if (waitMs > 0) await sleep(waitMs);
      frames = rest;
      return { frames: [frame], end: rest.length === 0 ? end : undefined };
    },
    cancel: () => feed.cancel(),
  };
}

export interface EventStreamOptions {
  /** The id of the answer in every event. */
  readonly id: string;
  readonly model: string;
  /** The data of the event `error`, for an answer that is cut off. */
  readonly cutOff: object;
  readonly after: After;
}

/**
 * Returns an answer as server-sent events in the form of OpenAI: one `chat.completion.chunk` for each frame,
 * one with the reason and the usage, and `[DONE]`. Equal frames give equal bytes, however they
 * arrive. A cut answer ends with the event `error`, without `[DONE]`.
 */
export function eventsOf(
  feed: Feed<string, ChatInfo>,
  { id, model, cutOff, after }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isFirst = true;

  function chunk(delta: object, finishReason: string | null, more: object = {}): string {
    const choices = [{ index: 0, delta, finish_reason: finishReason }];
    const value = { id, object: "chat.completion.chunk", model, choices, ...more };
    return `data: ${JSON.stringify(value)}\n\n`;
  }

  function textEvent([, content]: Frame<string>): string {
    const delta = isFirst ? { role: "assistant", content } : { content };
    isFirst = false;
    return chunk(delta, null);
  }

  function endEvents(end: NonNullable<Batch<string, ChatInfo>["end"]>): string {
    if (end.kind === "failed") return `event: error\ndata: ${JSON.stringify(cutOff)}\n\n`;
    const { finishReason, usage } = end.info;
    const counted = usage && {
      usage: {
        prompt_tokens: usage.inputTokens,
        completion_tokens: usage.outputTokens,
        total_tokens: usage.inputTokens + usage.outputTokens,
      },
    };
    return `${chunk({}, finishReason, counted)}data: [DONE]\n\n`;
  }

  return streamOf(
    feed,
    ({ frames, end }) => {
      const events = frames.map(textEvent).join("") + (end === undefined ? "" : endEvents(end));
      return [encoder.encode(events)];
    },
    after,
  );
}
