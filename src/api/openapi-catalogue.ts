/** The trending products and the settings of the shop in the OpenAPI document. */
import {
  answer,
  body,
  guarded,
  idempotencyKey,
  integer,
  needs,
  object,
  reading,
  ref,
  text,
} from "./openapi-parts.ts";

const settings = {
  shopName: text,
  currency: { type: "string", pattern: "^[A-Z]{3}$" },
  freeShippingCents: integer(0),
  announcement: text,
};

export const cataloguePaths = {
  "/products/trending": {
    get: {
      summary:
        "The most viewed products. Cached for 5 minutes; a change of a product shows at once.",
      responses: { 200: answer("One page", ref("ProductPage")), ...reading },
    },
  },
  "/settings": {
    get: {
      summary: "The settings of the shop. Cached for a day; every write invalidates them.",
      responses: { 200: answer("The settings", ref("Settings")), ...reading },
    },
    put: {
      summary: "Replaces the settings.",
      security: needs("all"),
      parameters: [idempotencyKey],
      requestBody: body(object(settings)),
      responses: {
        200: answer("Changed; X-Invalidation says done or deferred", ref("Settings")),
        ...guarded,
      },
    },
  },
} as const;

export const catalogueSchemas = { Settings: object({ ...settings, updatedAt: text }) };
