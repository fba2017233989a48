/** The operation of the front door. */
import * as z from "zod/mini";
import { described, type Operations } from "./operation.ts";
import { ifNoneMatch } from "./request-fields.ts";

const texts = z.record(z.string(), z.string());

export const frontOperations: Operations = {
  "GET /": {
    tag: "Front door",
    summary: "Where to go on, every route, and what the response fields say",
    description: "A client that accepts HTML, as browsers do, gets a page.",
    fields: { "If-None-Match": ifNoneMatch },
    answers: {
      200: {
        description: "The index.",
        body: z
          .strictObject({
            name: z.string(),
            description: z.string(),
            links: texts,
            routes: z.array(z.string()),
            headers: texts,
          })
          .register(described, { id: "Index" }),
        example: {
          name: "Strata",
          description: "A cache for APIs.",
          links: { docs: "/docs" },
          routes: ["GET /products/{id}"],
          headers: { Age: "The seconds since the origin made the answer." },
        },
        also: { "text/html": z.string() },
        fields: ["ETag"],
      },
      304: { description: "The client has this index already.", fields: ["ETag"] },
    },
  },
};
