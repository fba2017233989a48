/** Parts of the tests of answers: a random generator, streams of a model, and calls of it. */
import type { CallLimits, Feed } from "../../src/core/answers.ts";
import type { Context } from "../../src/core/context.ts";
import { createChatCall, type ChatCall } from "../../src/answers/chat-call.ts";
import type { ChatInfo } from "../../src/answers/chat-stream.ts";
import type { After, CallModel } from "../../src/answers/record-call.ts";

/** Mulberry32: the same numbers for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const LIMITS: CallLimits = { firstMs: 1_000, totalMs: 10_000, maxChars: 100_000 };

/** Never calls: the limits of time do not pass in a test that does not wait. */
export const noTimer: After = () => () => undefined;

export const after: After = (ms, call) => {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
};

const CALL: ChatCall = {
  model: "m",
  messages: [{ role: "user", content: "Hello" }],
  parameters: {},
  tools: [],
};

/** The events of a model's answer, as it sends them. */
export function streamText(
  pieces: readonly string[],
  finishReason: string | null = "stop",
  newline = "\n",
): string {
  const event = (choices: readonly object[], more: object = {}): string =>
    `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices, ...more })}${newline}${newline}`;
  const usage = { prompt_tokens: 3, completion_tokens: pieces.length };
  return [
    event([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]),
    ...pieces.map((content) => event([{ index: 0, delta: { content }, finish_reason: null }])),
    event([{ index: 0, delta: {}, finish_reason: finishReason }]),
    event([], { usage }),
    `data: [DONE]${newline}${newline}`,
  ].join("");
}

/** A call of a model that answers with these parts, and then ends or breaks the connection. */
export function callWith(
  parts: readonly Uint8Array[],
  end: "close" | "error" = "close",
  init: ResponseInit = {},
): CallModel<string, ChatInfo> {
  const body = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part);
        if (end === "close") controller.close();
        else controller.error(new Error("connection lost"));
      },
    });
  const server = { baseUrl: "http://model.test/v1", apiKey: "secret-key" };
  return createChatCall(server, CALL, async () => new Response(body(), init));
}

/** Reads a feed to its end. */
export async function readAll<P, I>(feed: Feed<P, I>) {
  const pieces: P[] = [];
  for (;;) {
    const { frames, end } = await feed.next();
    for (const [, piece] of frames) pieces.push(piece);
    if (end !== undefined) return { pieces, end };
  }
}

/** The context of work whose events nobody reads. `settled` waits for deferred work. */
export function quietContext(): { ctx: Context; settled: () => Promise<void> } {
  const work: Promise<unknown>[] = [];
  const ctx: Context = {
    now: () => Date.now(),
    host: "answers.test",
    region: "local",
    defer: (one) => void work.push(one),
    emit: () => undefined,
    hasLeft: () => false,
    child: () => undefined,
  };
  return {
    ctx,
    async settled() {
      for (const one of work.splice(0)) await one;
    },
  };
}
