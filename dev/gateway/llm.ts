import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { z } from "zod";
import type { FaultPlan } from "./faults.ts";
import { json, type Answer } from "./http.ts";
import type { Gateway } from "./server.ts";

const requestSchema = z.object({
  model: z.string().min(1),
  messages: z
    .array(z.object({ role: z.string(), content: z.string() }))
    .min(1)
    .max(100),
  stream: z.boolean().optional(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).optional(),
  max_tokens: z.number().int().min(1).optional(),
});

type ChatRequest = z.infer<typeof requestSchema>;

/** The pause before each chunk, so that the stream looks like one. The fault `chunkDelayMs` replaces it. */
const CHUNK_DELAY_MS = 5;

const WORDS =
  "the shop keeps teapots lamps chairs and maps on long shelves near a quiet window where people ask for one small thing and leave with another because advice is free".split(
    " ",
  );
const MIN_WORDS = 12;
const EXTRA_WORDS = 20;

/**
 * A stand-in for an OpenAI-compatible model: `POST /llm/v1/chat/completions`. Its answer follows from the
 * messages alone, so equal questions get equal answers. A word is a token.
 */
export function createLlmGateway(): Gateway {
  return {
    name: "llm",
    failure: (status, message) => json(status, { error: { message, type: "stand_in" } }),
    prepare({ method, path, body }) {
      if (path !== "/v1/chat/completions" || method !== "POST")
        return json(404, { error: { message: `no such route: ${method} ${path}` } });
      const parsed = parse(body);
      if (parsed === undefined)
        return json(400, { error: { message: "the body is no chat completion request" } });
      return {
        access: "read",
        execute: async (response, plan) =>
          parsed.stream === true ? stream(parsed, response, plan) : whole(parsed),
      };
    },
  };
}

function parse(body: Buffer): ChatRequest | undefined {
  try {
    return requestSchema.safeParse(JSON.parse(body.toString())).data;
  } catch {
    return undefined;
  }
}

interface Completion {
  readonly id: string;
  readonly words: readonly string[];
  readonly finishReason: "stop" | "length";
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
  };
}

function complete({ messages, max_tokens = Infinity }: ChatRequest): Completion {
  const digest = createHash("sha256").update(JSON.stringify(messages)).digest();
  const length = MIN_WORDS + (digest[0]! % EXTRA_WORDS);
  const all = Array.from({ length }, (_, at) => WORDS[digest[at % 32]! % WORDS.length]!);
  const words = all.slice(0, max_tokens);
  const asked = messages.reduce((sum, { content }) => sum + content.split(/\s+/).length, 0);
  return {
    id: `chatcmpl-${digest.toString("hex").slice(0, 24)}`,
    words: words.map((word, at) => (at === 0 ? word : ` ${word}`)),
    finishReason: words.length < all.length ? "length" : "stop",
    usage: {
      prompt_tokens: asked,
      completion_tokens: words.length,
      total_tokens: asked + words.length,
    },
  };
}

function whole(request: ChatRequest): Answer {
  const { id, words, finishReason, usage } = complete(request);
  const message = { role: "assistant", content: words.join("") };
  const choices = [{ index: 0, message, finish_reason: finishReason }];
  return json(200, { id, object: "chat.completion", model: request.model, choices, usage });
}

/** The events of a stream, each with its blank line. */
function eventsOf(request: ChatRequest): string[] {
  const { id, words, finishReason, usage } = complete(request);
  const event = (choices: readonly object[], more: object = {}): string => {
    const chunk = { id, object: "chat.completion.chunk", model: request.model, choices, ...more };
    return `data: ${JSON.stringify(chunk)}\n\n`;
  };
  const choice = (delta: object, reason: string | null = null): object[] => [
    { index: 0, delta, finish_reason: reason },
  ];
  return [
    event(choice({ role: "assistant", content: "" })),
    ...words.map((content) => event(choice({ content }))),
    event(choice({}, finishReason)),
    ...(request.stream_options?.include_usage === true ? [event([], { usage })] : []),
    "data: [DONE]\n\n",
  ];
}

/** Streams the answer. A fault delays, cuts or holds it, as it does with the answers of other services. */
async function stream(
  request: ChatRequest,
  response: ServerResponse,
  plan: FaultPlan | undefined,
): Promise<"streaming"> {
  const { delayMs = 0, chunkDelayMs = CHUNK_DELAY_MS } = plan ?? {};
  if (plan?.hang === "after") await plan.released;
  await pause(delayMs);
  if (plan?.reset === true) {
    response.socket?.resetAndDestroy();
    return "streaming";
  }
  const events = eventsOf(request);
  const sent = plan?.truncate === true ? events.slice(0, Math.floor(events.length / 2)) : events;
  if (response.destroyed) return "streaming";
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  for (const event of sent) {
    await pause(chunkDelayMs);
    if (response.destroyed) return "streaming";
    // A cut after this event must not take it back.
    await new Promise<void>((resolve) => response.write(event, () => resolve()));
  }
  if (sent === events) response.end();
  else response.destroy();
  return "streaming";
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
