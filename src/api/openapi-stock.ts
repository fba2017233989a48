/** The paths under /stock in the OpenAPI document. */
import { answer, id, missing, problem, query, reading, text } from "./openapi-parts.ts";

const listening = {
  429: problem("Too many requests, or too many connections of this client; see Retry-After"),
  503: problem("The product has as many listeners as it can have, or live events are away"),
};
const lastEventId = query("lastEventId", { ...text, maxLength: 64 });

export const stockPaths = {
  "/stock/{id}/events": {
    parameters: [id],
    get: {
      summary:
        "The changes of a product's stock as server-sent events. With the field Last-Event-ID the events that were missed come first, or an event `reset`.",
      parameters: [lastEventId],
      responses: {
        ...reading,
        200: answer("A stream of events", text, "text/event-stream"),
        ...missing,
        ...listening,
      },
    },
  },
  "/stock/{id}/socket": {
    parameters: [id],
    get: {
      summary: "The changes of a product's stock over a WebSocket.",
      parameters: [lastEventId],
      responses: {
        ...reading,
        101: answer("A WebSocket"),
        426: problem("The request asks for no WebSocket"),
        ...missing,
        ...listening,
      },
    },
  },
} as const;
