/** The path of the chat in the OpenAPI document. */
import { answer, body, integer, invalid, limited, object, problem, text } from "./openapi-parts.ts";

export const chatPaths = {
  "/chat": {
    post: {
      summary:
        "A persona answers a message: as JSON, or as server-sent events with `stream` or the field Accept. Answers are cached; the header Age says that one is stored.",
      requestBody: body(
        object(
          {
            persona: text,
            message: text,
            stream: { type: "boolean" },
            pace: { enum: ["full", "recorded"] },
          },
          ["persona", "message"],
        ),
      ),
      responses: {
        200: answer(
          "The answer",
          object(
            {
              persona: text,
              message: text,
              answer: text,
              model: text,
              finishReason: text,
              usage: object({ inputTokens: integer(0), outputTokens: integer(0) }),
            },
            ["persona", "message", "answer", "model", "finishReason"],
          ),
        ),
        404: problem("There is no such persona"),
        ...invalid,
        ...limited,
        503: problem("The model does not answer and nothing is cached, or no model is configured"),
      },
    },
  },
} as const;
