/** The operations on live stock. */
import * as z from "zod/mini";
import { StockListener } from "../stock-inputs.ts";
import { OF_CACHE_READS } from "./fields.ts";
import type { Operation, Operations } from "./operation.ts";
import { OF_READS } from "./problems.ts";
import { rowId } from "./values.ts";

const listening = {
  tag: "Stock",
  path: rowId,
  query: StockListener,
  queryNotes: {
    lastEventId: {
      description: "The id of the last event that the client has. The field replaces it.",
    },
  },
} as const;
const lastEventId = {
  "Last-Event-ID": {
    schema: z.string().check(z.maxLength(64)),
    description: "The id of the last event that the client has.",
  },
};
const problems: Operation["problems"] = [
  "not-found",
  "too-many-connections",
  "topic-full",
  "live-unavailable",
  ...OF_READS,
];

const EVENTS = [
  "retry: 1500",
  'event: snapshot\nid: 0f9a3b5c7d1e-4\ndata: {"product_id":42,"stock":17,"timestamp":"2026-11-28T12:00:00.000Z"}',
];

export const stockOperations: Operations = {
  "GET /stock/{id}/events": {
    ...listening,
    summary: "The changes of a product's stock as server-sent events",
    description:
      "The first event is the state now. With the id of the last event, the events that were missed come first, or an event `reset`.",
    fields: lastEventId,
    answers: {
      200: {
        description: "A stream of events. It ends when the product is deleted.",
        type: "text/event-stream",
        body: z.string(),
        example: `${EVENTS.join("\n\n")}\n\n`,
        fields: ["X-Accel-Buffering", ...OF_CACHE_READS],
        stream: true,
      },
    },
    problems,
  },
  "GET /stock/{id}/socket": {
    ...listening,
    summary: "The changes of a product's stock over a WebSocket",
    description:
      "The messages are JSON objects with the members `event`, `id` and `data`, as those of the stream of events.",
    fields: {
      Upgrade: { schema: z.literal("websocket"), description: "Opens the WebSocket." },
      ...lastEventId,
    },
    answers: {
      101: { description: "The WebSocket is open.", fields: OF_CACHE_READS, stream: true },
    },
    problems: ["upgrade-required", ...problems],
  },
};
