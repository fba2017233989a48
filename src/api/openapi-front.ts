/** The front door in the OpenAPI document. */
import { answer, limited, listOf, object, text } from "./openapi-parts.ts";

const texts = { type: "object", additionalProperties: text };

export const frontPaths = {
  "/": {
    get: {
      summary:
        "Where to go on, every route, and what the response fields say. A client that accepts HTML, as browsers do, gets a page.",
      responses: {
        200: answer(
          "The index",
          object({
            name: text,
            description: text,
            links: texts,
            routes: listOf(text),
            headers: texts,
          }),
        ),
        ...limited,
      },
    },
  },
} as const;
