/** The operations that send messages: views and payments. */
import * as z from "zod/mini";
import { Payment, View } from "../message-inputs.ts";
import { described, type Operations } from "./operation.ts";
import { OF_MESSAGES, OF_READS } from "./problems.ts";
import { Instant, rowId, RowId } from "./values.ts";

const Charged = z
  .strictObject({
    orderId: RowId,
    status: z.literal("charged"),
    amountCents: RowId,
    chargedAt: Instant,
  })
  .register(described, { id: "Payment" });
const CHARGED = {
  orderId: 42,
  status: "charged",
  amountCents: 1_299,
  chargedAt: "2026-11-28T12:00:00.000Z",
};

export const messageOperations: Operations = {
  "POST /events/views": {
    tag: "Products",
    summary: "Counts a view of a product",
    description:
      "The count shows the view at once; the database gets it from a queue. A repeated `id` counts once. With an API key, the view also changes the recommendations of its user.",
    fields: { "X-API-Key": { schema: z.string(), description: "Identifies the user." } },
    body: View,
    examples: { view: { productId: 42 }, repeatable: { productId: 42, id: "click-1" } },
    answers: {
      202: {
        description: "The view is in the queue.",
        body: z.strictObject({ id: z.string(), productId: RowId }),
        example: { id: "click-1", productId: 42 },
      },
    },
    problems: ["not-found", ...OF_MESSAGES],
  },
  "GET /orders/{id}/payment": {
    tag: "Orders",
    summary: "The payment of an order, once it is charged",
    role: "all",
    path: rowId,
    answers: { 200: { description: "The payment.", body: Charged, example: CHARGED } },
    problems: ["not-found", ...OF_READS],
  },
  "POST /orders/{id}/payment": {
    tag: "Orders",
    summary: "Charges an order, once",
    description: "However often it is asked, an order is charged once.",
    role: "all",
    idempotent: true,
    path: rowId,
    body: Payment,
    examples: { payment: { amountCents: 1_299 } },
    answers: {
      200: {
        description: "The order is charged already.",
        body: Charged,
        example: CHARGED,
      },
      202: {
        description: "The message is in the queue.",
        body: z.strictObject({ orderId: RowId, status: z.literal("pending") }),
        example: { orderId: 42, status: "pending" },
        fields: ["Location"],
      },
    },
    problems: ["payment-conflict", ...OF_MESSAGES, ...OF_READS],
  },
};
