/** The paths under /admin in the OpenAPI document. */
import {
  integer,
  text,
  listOf,
  object,
  answer,
  body,
  needs,
  guarded,
  query,
} from "./openapi-parts.ts";

const names = listOf(text);

export const adminPaths = {
  "/admin/purge": {
    post: {
      summary: "Invalidates by tag, key, prefix or everything, in every isolate.",
      security: needs("purge"),
      requestBody: body(
        object(
          {
            tags: names,
            keys: names,
            prefixes: names,
            everything: { type: "boolean" },
            soft: { type: "boolean" },
          },
          [],
        ),
      ),
      responses: {
        200: answer("Done"),
        202: answer("Deferred: Redis does not answer"),
        ...guarded,
      },
    },
  },
  "/admin/degradation": {
    get: {
      summary:
        "The level of service of the isolate that answers, and the state of each dependency.",
      security: needs("read"),
      responses: { 200: answer("The level"), ...guarded },
    },
    put: {
      summary:
        "Sets the level of service of every isolate for some minutes (60 by default), or ends that with `auto`.",
      security: needs("all"),
      requestBody: body(
        object(
          {
            level: { enum: ["auto", "normal", "degraded", "minimal"] },
            minutes: { type: "integer", minimum: 1, maximum: 10_080 },
          },
          ["level"],
        ),
      ),
      responses: { 200: answer("The level"), ...guarded },
    },
  },
  "/admin/why": {
    get: {
      summary:
        "What a read of a key, or of the keys of a path, does now, and why the last answer came from the origin.",
      security: needs("read"),
      parameters: [query("key", text), query("url", text)],
      responses: { 200: answer("The explanation"), ...guarded },
    },
  },
  "/admin/warm": {
    post: {
      summary: "Loads products or users into Redis and streams the progress.",
      security: needs("purge"),
      requestBody: body(
        object({ kind: { enum: ["products", "users"] }, ids: listOf(integer(1)) }, ["kind"]),
      ),
      responses: {
        200: answer("One line of JSON for each round", text, "application/x-ndjson"),
        ...guarded,
      },
    },
  },
} as const;
