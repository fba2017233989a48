/** The operation of the chat. */
import * as z from "zod/mini";
import { ChatQuestion } from "../chat-inputs.ts";
import { OF_CACHE_READS } from "./fields.ts";
import { described, type Operations } from "./operation.ts";
import { OF_READS } from "./problems.ts";
import { Count } from "./values.ts";

const Reply = z
  .strictObject({
    persona: z.string(),
    message: z.string(),
    answer: z.string(),
    model: z.string(),
    finishReason: z.string(),
    usage: z.optional(z.strictObject({ inputTokens: Count, outputTokens: Count })),
  })
  .register(described, { id: "ChatAnswer" });

const QUESTION = { persona: "clerk", message: "How long does delivery take?" };

export const chatOperations: Operations = {
  "POST /chat": {
    tag: "Chat",
    summary: "A persona answers a message",
    description:
      "The answer is JSON, or server-sent events in the form of OpenAI if the body has `stream`. Without `stream` in the body, the field `Accept: text/event-stream` asks for events. Answers are cached, and those of a signed-in user, by an API key or a session, are its own. `pace` is the speed at which a stored answer is streamed.",
    fields: { "X-API-Key": { schema: z.string(), description: "Identifies the user." } },
    session: "optional",
    body: ChatQuestion,
    examples: { json: QUESTION, events: { ...QUESTION, stream: true, pace: "recorded" } },
    answers: {
      200: {
        description: "The answer. With `Age` it is a stored one.",
        body: Reply,
        example: {
          ...QUESTION,
          answer: "Two days.",
          model: "small-model",
          finishReason: "stop",
          usage: { inputTokens: 40, outputTokens: 2 },
        },
        also: { "text/event-stream": z.string() },
        fields: [...OF_CACHE_READS, "Age"],
      },
    },
    problems: ["no-such-persona", "model-not-configured", "rate-limit-unavailable", ...OF_READS],
  },
};
