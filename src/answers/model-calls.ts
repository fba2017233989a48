/** The calls of a model of the AI SDK, as recordings take them. */
import { DefinitionError } from "../core/faults.ts";
import { jsonTextOf } from "../core/json-text.ts";
import { answerFault, cutOff } from "./answer-fault.ts";
import type { Usage } from "./chat-stream.ts";
import type { CallModel } from "./record-call.ts";

/** A part of a stream of the SDK. */
export interface Part {
  readonly type: string;
}

/** The result of a call without a stream. */
export interface Generated {
  readonly content: readonly Part[];
  readonly finishReason: unknown;
  readonly usage: unknown;
}

/** Parts after which an answer is not the model's own text, or is no answer. */
const UNSTORABLE_PARTS = new Set(["tool-call", "tool-result", "tool-approval-request"]);

/** Records the parts of a stream. Raw parts of the provider are left out. */
export function streaming<P extends Part>(
  doStream: (signal: AbortSignal) => PromiseLike<{ readonly stream: ReadableStream<P> }>,
  key: string,
): CallModel<P, Usage> {
  return async (add, signal) => {
    const { stream } = await doStream(signal);
    const reader = stream.getReader();
    let finish: (Part & { finishReason?: unknown; usage?: unknown }) | undefined;
    let isStorable = true;
    try {
      for (;;) {
        const { done, value: part } = await reader.read();
        if (done || signal.aborted) break;
        if (part.type === "raw") continue;
        if (part.type === "error")
          throw answerFault("origin.unavailable", "the model reported an error");
        if (UNSTORABLE_PARTS.has(part.type)) isStorable = false;
        if (part.type === "finish") finish = part;
        const chars = jsonLength(part, key);
        if (chars === undefined) isStorable = false;
        add(part, chars ?? 0);
      }
    } finally {
      void reader.cancel().catch(() => undefined);
    }
    if (finish === undefined) throw cutOff();
    const storable = isStorable && isStop(finish.finishReason);
    return { kind: "whole", storable, info: usageOf(finish.usage) };
  };
}

/** Records one result as one piece, without the request and the response of the provider. */
export function generating<R extends Generated>(
  doGenerate: (signal: AbortSignal) => PromiseLike<R>,
  key: string,
): CallModel<R, Usage> {
  return async (add, signal) => {
    const given = await doGenerate(signal);
    const {
      request: _request,
      response: _response,
      ...rest
    } = given as R & {
      readonly request?: unknown;
      readonly response?: unknown;
    };
    const chars = jsonLength(rest, key);
    add(rest as unknown as R, chars ?? 0);
    const hasOwnText = given.content.every(({ type }) => !UNSTORABLE_PARTS.has(type));
    const storable = chars !== undefined && hasOwnText && isStop(given.finishReason);
    return { kind: "whole", storable, info: usageOf(given.usage) };
  };
}

/** Returns a part as the SDK expects it: JSON has the date of the metadata as a text. */
export function reviveDates<T>(part: T): T {
  const { timestamp } = part as { readonly timestamp?: unknown };
  return typeof timestamp === "string" ? { ...part, timestamp: new Date(timestamp) } : part;
}

/** The length of the stored form. Undefined if JSON cannot hold the value, such as the bytes of a file. */
function jsonLength(value: unknown, key: string): number | undefined {
  try {
    return jsonTextOf(value, key).length;
  } catch (error) {
    if (error instanceof DefinitionError) return undefined;
    throw error;
  }
}

/** Version 3 of the SDK's models has an object, version 2 a text. */
function isStop(finishReason: unknown): boolean {
  if (typeof finishReason === "string") return finishReason === "stop";
  return (finishReason as { readonly unified?: unknown } | undefined)?.unified === "stop";
}

function usageOf(usage: unknown): Usage {
  const { inputTokens, outputTokens } = (usage ?? {}) as Record<string, unknown>;
  return { inputTokens: totalOf(inputTokens), outputTokens: totalOf(outputTokens) };
}

function totalOf(tokens: unknown): number {
  const total =
    typeof tokens === "object" && tokens !== null && "total" in tokens ? tokens.total : tokens;
  return typeof total === "number" && Number.isFinite(total) ? total : 0;
}
