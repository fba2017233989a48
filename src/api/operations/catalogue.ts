/** The operations on the trending products and the settings of the shop. */
import * as z from "zod/mini";
import { Settings as Stored, WholeSettings } from "../settings-inputs.ts";
import { described, type Operations } from "./operation.ts";
import { OF_READS, OF_WRITES } from "./problems.ts";
import { Count, Instant, pageOf, Product, PRODUCT } from "./values.ts";

const Settings = z
  .strictObject({ ...Stored.shape, freeShippingCents: Count, updatedAt: Instant })
  .register(described, { id: "Settings" });
const WHOLE = {
  shopName: "Strata",
  currency: "EUR",
  freeShippingCents: 5_000,
  announcement: "New chairs have come.",
};
const SETTINGS = { ...WHOLE, updatedAt: "2026-11-28T12:00:00.000Z" };

export const catalogueOperations: Operations = {
  "GET /products/trending": {
    tag: "Products",
    summary: "The most viewed products",
    description: "Cached for 5 minutes. A change of a product invalidates the list.",
    answers: {
      200: {
        description: "The list, as one page.",
        body: pageOf(Product),
        example: { items: [PRODUCT], page: 1, pageSize: 20, total: 1 },
      },
    },
    problems: OF_READS,
    cached: true,
  },
  "GET /settings": {
    tag: "Settings",
    summary: "The settings of the shop",
    description: "Cached for a day. Every write invalidates them.",
    answers: { 200: { description: "The settings.", body: Settings, example: SETTINGS } },
    problems: ["not-found", ...OF_READS],
    cached: true,
  },
  "PUT /settings": {
    tag: "Settings",
    summary: "Replaces the settings of the shop",
    role: "all",
    idempotent: true,
    body: WholeSettings,
    examples: { shop: WHOLE },
    answers: {
      200: {
        description: "The settings after the change.",
        body: Settings,
        example: SETTINGS,
        fields: ["X-Invalidation", "Idempotency-Replayed"],
      },
    },
    problems: OF_WRITES,
  },
};
