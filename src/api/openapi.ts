/** The reference API as an OpenAPI 3.1 document. A test holds it against the routes. */

const integer = (minimum: number) => ({ type: "integer", minimum, maximum: 2_147_483_647 });
const text = { type: "string" };
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const listOf = (items: object) => ({ type: "array", items });
const object = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});
const answer = (description: string, schema?: object, type = "application/json") => ({
  description,
  ...(schema && { content: { [type]: { schema } } }),
});
const body = (schema: object) => ({
  required: true,
  content: { "application/json": { schema } },
});
const query = (name: string, schema: object, required = false) => ({
  name,
  in: "query",
  required,
  schema,
});

const id = { name: "id", in: "path", required: true, schema: integer(1) };
const problem = (description: string) =>
  answer(description, ref("Problem"), "application/problem+json");
const invalid = { 400: problem("What was sent is wrong; `errors` names the field") };
const missing = { 404: problem("There is none; remembered for a minute") };
const limited = { 429: problem("Too many requests; see Retry-After") };
const away = { 503: problem("The database is away and nothing is cached; see Retry-After") };
const reading = { ...invalid, ...limited, ...away };
const security = [{ admin: [] }];
const guarded = { 401: problem("No bearer token, or a wrong one"), ...reading };

const product = {
  name: text,
  description: text,
  priceCents: integer(0),
  categoryId: integer(1),
  stock: integer(0),
};
const user = { id: integer(1), name: text, city: text, createdAt: text };
const names = listOf(text);
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
      "A shop behind a three-tier cache. Where an answer came from is in its headers: Cache-Status, X-Cache-Status, Age, Server-Timing.",
  },
  paths: {
    "/products": {
      get: {
        summary: "One page of products, of one category or of all. Cached for 5 minutes.",
        parameters: [query("page", integer(1)), query("category", integer(1))],
        responses: { 200: answer("A page", page(ref("Product"))), ...reading },
      },
      post: {
        summary: "A new product.",
        security,
        requestBody: body(object(product)),
        responses: { 201: writes[201], ...guarded },
      },
    },
    "/products/{id}": {
      parameters: [id],
      get: {
        summary: "One product. Cached for an hour, purged by every write.",
        responses: { 200: answer("The product", ref("Product")), ...missing, ...reading },
      },
      put: {
        summary: "The whole product anew.",
        security,
        requestBody: body(object(product)),
        responses: { 200: writes[200], ...missing, ...guarded },
      },
      patch: {
        summary: "Any fields of the product.",
        security,
        requestBody: body(object(product, [])),
        responses: { 200: writes[200], ...missing, ...guarded },
      },
      delete: {
        summary: "Deletes the product.",
        security,
        responses: { 204: writes[204], ...missing, ...guarded },
      },
    },
    "/products/{id}/stock": {
      parameters: [id],
      patch: {
        summary: "A stock of so many, or so many more or fewer; never below 0.",
        security,
        requestBody: body({
          oneOf: [object({ stock: integer(0) }), object({ delta: { type: "integer" } })],
        }),
        responses: {
          200: writes[200],
          409: problem("Not so many are there"),
          ...missing,
          ...guarded,
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
        summary: "Up to 100 users in one request to Redis and at most one query.",
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
        summary: "One user; with the admin token also email and age, never from a shared entry.",
        responses: { 200: answer("The user", ref("User")), ...missing, ...reading },
      },
    },
    "/health": {
      get: {
        summary: "What the application depends on, and whether it answers.",
        responses: { 200: answer("It serves"), 503: answer("The database is away") },
      },
    },
    "/metrics": {
      get: {
        summary: "Figures for Prometheus.",
        security,
        responses: { 200: answer("Text", text, "text/plain") },
      },
    },
    "/admin/purge": {
      post: {
        summary: "Invalidates by tag, key, prefix or everything, for every reader anywhere.",
        security,
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
          202: answer("Deferred: Redis is away"),
          ...guarded,
        },
      },
    },
    "/admin/warm": {
      post: {
        summary: "Fills Redis with products or users; streams its progress.",
        security,
        requestBody: body(
          object({ kind: { enum: ["products", "users"] }, ids: listOf(integer(1)) }, ["kind"]),
        ),
        responses: {
          200: answer("A line of JSON a round", text, "application/x-ndjson"),
          ...guarded,
        },
      },
    },
  },
  components: {
    securitySchemes: { admin: { type: "http", scheme: "bearer" } },
    schemas: {
      Product: object({ id: integer(1), ...product, updatedAt: text }),
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
