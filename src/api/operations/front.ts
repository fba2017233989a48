/** The operation of the front door. */
import * as z from "zod/mini";
import { described, type Operations } from "./operation.ts";
import { ifNoneMatch } from "./request-fields.ts";

const Texts = z.record(z.string(), z.string());

const Index = z
  .strictObject({
    name: z.string(),
    description: z.string(),
    links: Texts,
    routes: z.array(z.string()),
    headers: Texts,
  })
  .register(described, { id: "Index" });

export const frontOperations: Operations = {
  "GET /": {
    tag: "Front door",
    summary: "Says where to go on, lists every route, and explains the response fields",
    description: "A client that prefers HTML, as browsers do, gets a page.",
    fields: { "If-None-Match": ifNoneMatch },
    answers: {
      200: {
        description: "The index.",
        body: Index,
        example: {
          name: "Strata",
          description: "A cache for APIs on Cloudflare Workers.",
          links: { docs: "/docs", openapi: "/openapi.json" },
          routes: ["GET /products", "GET /products/{id}"],
          headers: { Age: "The seconds since the origin made the answer." },
        },
        also: { "text/html": z.string() },
        fields: ["ETag"],
      },
      304: { description: "The client has this index already.", fields: ["ETag"] },
    },
  },
};
