/** Calls an OpenAI-compatible model over HTTP. */
import type { CallModel } from "./record-call.ts";
import { answerFault, cutOff, type AnswerFault } from "./answer-fault.ts";
import { createChatStream, type ChatInfo } from "./chat-stream.ts";

/** The server of the model, and how the Worker identifies itself to it. */
export interface ModelServer {
  /** The address before `/chat/completions`. */
  readonly baseUrl: string;
  /** The bearer token. Undefined if the server needs none. */
  readonly apiKey: string | undefined;
}

/** The part of a request to the model that shapes the answer. */
export interface ChatCall {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly tools: readonly unknown[];
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const MAX_RETRY_AFTER_S = 60;

/** Makes the call of one question. */
export function createChatCall(
  { baseUrl, apiKey }: ModelServer,
  { model, messages, parameters, tools }: ChatCall,
  fetch: Fetch,
): CallModel<string, ChatInfo> {
  return async (add, signal) => {
    const response = await send();
    const { body } = response;
    if (body === null) throw answerFault("origin.unavailable", "the model sent no answer");
    if (response.status !== 200) {
      void body.cancel().catch(() => undefined);
      throw refusalOf(response);
    }
    const stream = createChatStream((text) => add(text, text.length));
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    try {
      while (!stream.done) {
        const { done, value } = await reader.read().catch(() => {
          throw cutOff();
        });
        if (done) break;
        stream.feed(decoder.decode(value, { stream: true }));
      }
    } finally {
      void reader.cancel().catch(() => undefined);
    }
    return stream.finish();

    async function send(): Promise<Response> {
      try {
        return await fetch(`${baseUrl.replace(/\/+$/, "")}/chat/completions`, {
          method: "POST",
          redirect: "manual",
          headers: {
            "Content-Type": "application/json",
            Accept: "text/event-stream",
            ...(apiKey !== undefined && { Authorization: `Bearer ${apiKey}` }),
          },
          body: JSON.stringify({
            ...parameters,
            model,
            messages,
            ...(tools.length > 0 && { tools }),
            stream: true,
            stream_options: { include_usage: true },
          }),
          signal,
        });
      } catch {
        // The text of the error can hold the address of the model.
        throw answerFault("origin.unavailable", "the model could not be reached");
      }
    }
  };
}

/** The error names the status only: the body of a refusal can repeat the API key. */
function refusalOf({ status, headers }: Response): AnswerFault {
  const isBusy = status === 429 || status === 408 || status >= 500;
  const message = `the model answered ${status}`;
  if (!isBusy) return answerFault("origin.rejected", message);
  const seconds = Number(headers.get("Retry-After") ?? Number.NaN);
  const retryAfterMs = seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) * 1_000 : undefined;
  return answerFault("origin.unavailable", message, retryAfterMs);
}
