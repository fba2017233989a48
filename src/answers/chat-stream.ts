/**
 * Reads the stream of an OpenAI-compatible chat completion: server-sent events, each with one chunk
 * as JSON, and `[DONE]` at the end. It has no I/O.
 */
import { createParser } from "eventsource-parser";
import { answerFault, cutOff } from "./answer-fault.ts";

/** The tokens of one call, as the model counted them. */
export interface Usage {
  /** The tokens of the question. */
  readonly inputTokens: number;
  /** The tokens of the answer. */
  readonly outputTokens: number;
}

/** The facts of an answer that are known at its end. */
export interface ChatInfo {
  /** The reason of the model for the end: `stop`, `length`, `tool_calls` or another text of its provider. */
  readonly finishReason: string;
  /** Undefined if the model did not say. */
  readonly usage?: Usage | undefined;
}

export interface ChatStream {
  /** Takes the next part of the stream. @throws {AnswerFault} if it is no such stream */
  feed(text: string): void;
  /**
   * Returns the end of the answer. @throws {AnswerFault} if the stream ended before `[DONE]` or
   * without a reason, so that the answer was cut off
   */
  finish(): { readonly kind: "whole"; readonly storable: boolean; readonly info: ChatInfo };
  /** Whether `[DONE]` has arrived. What follows is not read. */
  readonly done: boolean;
}

/** One event of a model has some hundred bytes. A longer one is not buffered. */
const MAX_EVENT_CHARS = 65_536;
const MAX_REASON_LENGTH = 40;

/**
 * Creates the reader of one stream. `onText` gets the text of each chunk that has text.
 *
 * An answer is storable if the model ended it by itself (`stop`). An answer with the reason `length` or
 * `content_filter` was cut off by the model, and `tool_calls` asks for results that this cache does
 * not have. A refusal and an answer without text are not storable either.
 */
export function createChatStream(onText: (text: string) => void): ChatStream {
  let done = false;
  let finishReason: string | undefined;
  let usage: Usage | undefined;
  let hasTools = false;
  let isRefused = false;
  let hasText = false;
  let problem: string | undefined;

  function onChunk(data: string): void {
    const chunk = parseObject(data);
    if (chunk === undefined)
      throw answerFault("origin.unavailable", "the model sent an event that is no JSON");
    if (chunk["error"] !== undefined)
      throw answerFault("origin.unavailable", "the model reported an error");
    usage = usageOf(chunk["usage"]) ?? usage;
    const choices = chunk["choices"];
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
    if (!isObject(choice)) return;
    const reason = choice["finish_reason"];
    if (typeof reason === "string") finishReason = reason.slice(0, MAX_REASON_LENGTH);
    const delta = choice["delta"];
    if (!isObject(delta)) return;
    if (delta["tool_calls"] !== undefined || delta["function_call"] !== undefined) hasTools = true;
    if (typeof delta["refusal"] === "string") isRefused = true;
    const content = delta["content"];
    if (typeof content !== "string" || content === "") return;
    hasText = true;
    onText(content);
  }

  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARS,
    onEvent({ data }) {
      if (done) return;
      if (data.trim() === "[DONE]") done = true;
      else onChunk(data);
    },
    onError({ type }) {
      if (type === "max-buffer-size-exceeded") problem = "the model sent an event that is too long";
    },
  });

  return {
    feed(text) {
      parser.feed(text);
      if (problem !== undefined) throw answerFault("origin.unavailable", problem);
    },

    finish() {
      if (!done || finishReason === undefined) throw cutOff();
      const storable = finishReason === "stop" && !hasTools && !isRefused && hasText;
      return { kind: "whole", storable, info: { finishReason, ...(usage && { usage }) } };
    },

    get done() {
      return done;
    },
  };
}

function usageOf(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const inputTokens = countOf(value["prompt_tokens"]);
  const outputTokens = countOf(value["completion_tokens"]);
  return inputTokens === undefined || outputTokens === undefined
    ? undefined
    : { inputTokens, outputTokens };
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
