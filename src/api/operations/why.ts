/** The operation that explains what the cache does with a key or a path. */
import { WhyAnswer } from "../why-answer.ts";
import { WhyQuery } from "../why-inputs.ts";
import type { Operations } from "./operation.ts";

export const whyOperations: Operations = {
  "GET /admin/why": {
    tag: "Admin",
    summary: "What a read does now, and why the last answer was not stored or came from the origin",
    description:
      "Of a key, or of the keys that a GET request of a path reads. It loads nothing and stores nothing. Durations of a policy are in milliseconds.",
    role: "read",
    query: WhyQuery,
    queryNotes: {
      key: { description: "A key. Either it or `url` is there.", example: "product:42" },
      url: { description: "The path of a GET request, with its query." },
    },
    exactlyOne: ["key", "url"],
    answers: {
      200: {
        description: "One report for each key, at most 5. `route` is null for a question of a key.",
        body: WhyAnswer,
        example: {
          route: null,
          keys: [
            {
              key: "product:42",
              policy: null,
              tags: [],
              tiers: [{ tier: "memory", state: "absent" }],
              next: { code: "load", text: "The next read loads the value from the origin." },
              last: null,
            },
          ],
        },
      },
    },
  },
};
