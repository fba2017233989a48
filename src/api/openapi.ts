/** The OpenAPI 3.1 document of the reference API. test/api/reference.test.ts compares it with the routes. */

import { adminPaths } from "./openapi-admin.ts";
import { frontPaths } from "./openapi-front.ts";
import {
  integer,
  text,
  ref,
  listOf,
  object,
  answer,
  body,
  query,
  id,
  problem,
  invalid,
  missing,
  limited,
  queueAway,
  idempotencyKey,
  reading,
  needs,
  guarded,
} from "./openapi-parts.ts";

const product = {
  name: text,
  description: text,
  priceCents: integer(0),
  categoryId: integer(1),
  stock: integer(0),
};
const user = { id: integer(1), name: text, city: text, createdAt: text };
const page = (items: object) =>
  object({ items: listOf(items), page: integer(1), pageSize: integer(0), total: integer(0) });

const writes = {
  201: answer("Created; X-Invalidation says done or deferred", ref("Product")),
  200: answer("Changed; X-Invalidation says done or deferred", ref("Product")),
  204: answer("Deleted; X-Invalidation says done or deferred"),
};

export const openapi = {
  openapi: "3.1.0",
  info: {
    title: "Strata reference API",
    version: "0.1.0",
    description:
      "A shop behind a three-tier cache. The headers Cache-Status, X-Cache-Status, Age and Server-Timing say where an answer came from.",
  },
  paths: {
    ...frontPaths,
    "/products": {
      get: {
        summary: "One page of products, of one category or of all. Cached for 5 minutes.",
        parameters: [query("page", integer(1)), query("category", integer(1))],
        responses: { 200: answer("A page", page(ref("Product"))), ...reading },
      },
      post: {
        summary: "A new product.",
        security: needs("all"),
        parameters: [idempotencyKey],
        requestBody: body(object(product)),
        responses: { 201: writes[201], ...guarded },
      },
    },
    "/products/{id}": {
      parameters: [id],
      get: {
        summary: "One product. Cached for an hour; every write invalidates it.",
        responses: { 200: answer("The product", ref("Product")), ...missing, ...reading },
      },
      put: {
        summary: "Replaces the whole product.",
        security: needs("all"),
        requestBody: body(object(product)),
        responses: { 200: writes[200], ...missing, ...guarded },
      },
      patch: {
        summary: "Changes the fields that are sent.",
        security: needs("all"),
        requestBody: body(object(product, [])),
        responses: { 200: writes[200], ...missing, ...guarded },
      },
      delete: {
        summary: "Deletes the product.",
        security: needs("all"),
        responses: { 204: writes[204], ...missing, ...guarded },
      },
    },
    "/products/{id}/stock": {
      parameters: [id],
      patch: {
        summary: "Sets the stock, or changes it by a number; never below 0.",
        security: needs("all"),
        requestBody: body({
          oneOf: [object({ stock: integer(0) }), object({ delta: { type: "integer" } })],
        }),
        responses: {
          200: writes[200],
          409: problem("The stock would be below 0 or too large"),
          ...missing,
          ...guarded,
        },
      },
    },
    "/products/{id}/views": {
      parameters: [id],
      get: {
        summary:
          "How often the product was viewed, with the views that wait in the queue. Cached for a minute; every view invalidates it.",
        responses: { 200: answer("The count", ref("Views")), ...missing, ...reading },
      },
    },
    "/products/{id}/recommendations": {
      parameters: [id],
      get: {
        summary:
          "Up to 10 other products: by the product's category and, with an API key, by the categories that its user viewed last. At the level degraded the most viewed products of all, at the level minimal none, instead of a 503.",
        parameters: [
          {
            name: "X-API-Key",
            in: "header",
            description: "Identifies the user. The answer is private then.",
            schema: text,
          },
        ],
        responses: {
          200: answer("The list, and what it follows from", ref("Recommendations")),
          ...missing,
          ...invalid,
          ...limited,
        },
      },
    },
    "/events/views": {
      post: {
        summary:
          "Counts a view. The count shows it at once; the database gets it from a queue. A repeated `id` counts once.",
        requestBody: body(object({ productId: integer(1), id: text }, ["productId"])),
        responses: {
          202: answer("Accepted", object({ id: text, productId: integer(1) })),
          ...missing,
          ...invalid,
          ...limited,
          503: queueAway,
        },
      },
    },
    "/orders/{id}/payment": {
      parameters: [id],
      get: {
        summary: "The payment of an order, once it is charged.",
        security: needs("all"),
        responses: { 200: answer("The payment", ref("Payment")), ...missing, ...guarded },
      },
      post: {
        summary: "Charges an order through a queue, once, however often it is asked.",
        security: needs("all"),
        parameters: [idempotencyKey],
        requestBody: body(object({ amountCents: integer(1) })),
        responses: {
          200: answer("It is charged already", ref("Payment")),
          202: answer("Accepted"),
          409: problem("It is charged with another amount, or the Idempotency-Key is in use"),
          ...guarded,
          503: queueAway,
        },
      },
    },
    "/categories": {
      get: {
        summary: "All categories. Cached for a day.",
        responses: { 200: answer("All of them", page(ref("Category"))), ...reading },
      },
    },
    "/users": {
      get: {
        summary:
          "Up to 100 users, with one request to Redis and at most one query. Takes a token of the rate limit for each id.",
        parameters: [query("ids", { type: "string", pattern: "^[0-9,]+$" }, true)],
        responses: {
          200: answer(
            "Those that exist",
            object({ items: listOf(ref("User")), missing: listOf(integer(1)) }),
          ),
          ...reading,
        },
      },
    },
    "/users/{id}": {
      parameters: [id],
      get: {
        summary:
          "One user; with a token of the role all also email and age, which no shared entry holds.",
        responses: { 200: answer("The user", ref("User")), ...missing, ...reading },
      },
    },
    "/health": {
      get: {
        summary:
          "The level of service, and the state of each dependency since when. It waits for no dependency.",
        responses: {
          200: answer("It serves"),
          ...limited,
          503: answer("The database does not answer"),
        },
      },
    },
    "/health/live": {
      get: {
        summary: "Whether the Worker runs.",
        responses: { 200: answer("It runs"), ...limited },
      },
    },
    "/health/ready": {
      get: {
        summary: "Whether requests should be sent to this Worker.",
        responses: {
          200: answer("Ready"),
          ...limited,
          503: answer("The database does not answer"),
        },
      },
    },
    "/metrics": {
      get: {
        summary: "Metrics in the Prometheus text format.",
        security: needs("scrape"),
        responses: {
          200: answer("Text", text, "text/plain"),
          401: guarded[401],
          403: guarded[403],
          ...limited,
        },
      },
    },
    ...adminPaths,
  },
  components: {
    securitySchemes: {
      admin: {
        type: "http",
        scheme: "bearer",
        description:
          "A token of ADMIN_TOKEN (role all) or ADMIN_TOKENS. `scrape` reads metrics; `read` also reads what is under /admin; `purge` purges and warms; `all` may do everything. After 10 wrong tokens in a minute from one address, or 100 in all, the answer is 429.",
      },
    },
    schemas: {
      Product: object({ id: integer(1), ...product, updatedAt: text }),
      Views: object({ productId: integer(1), views: integer(0) }),
      Recommendations: object({
        basis: { enum: ["user", "product", "popular", "none"] },
        items: listOf(ref("Product")),
      }),
      Payment: object({
        orderId: integer(1),
        status: { const: "charged" },
        amountCents: integer(1),
        chargedAt: text,
      }),
      Category: object({ id: integer(1), name: text, description: text }),
      User: object({ ...user, email: text, age: integer(0) }, Object.keys(user)),
      Problem: object({ type: text, title: text, status: integer(400), detail: text }, [
        "type",
        "title",
        "status",
      ]),
    },
  },
} as const;
