/** The parts of which the OpenAPI document is made. */
import type { AdminRole } from "../index.ts";

export const integer = (minimum: number) => ({ type: "integer", minimum, maximum: 2_147_483_647 });
export const text = { type: "string" };
export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
export const listOf = (items: object) => ({ type: "array", items });
export const object = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});
export const answer = (description: string, schema?: object, type = "application/json") => ({
  description,
  ...(schema && { content: { [type]: { schema } } }),
});
export const body = (schema: object) => ({
  required: true,
  content: { "application/json": { schema } },
});
export const query = (name: string, schema: object, required = false) => ({
  name,
  in: "query",
  required,
  schema,
});

export const id = { name: "id", in: "path", required: true, schema: integer(1) };
export const problem = (description: string) =>
  answer(description, ref("Problem"), "application/problem+json");
export const invalid = { 400: problem("The request is malformed; `errors` names each field") };
export const missing = { 404: problem("It does not exist; the answer is cached for a minute") };
export const limited = { 429: problem("Too many requests; see Retry-After") };
const away = {
  503: problem("The database does not answer and nothing is cached; see Retry-After"),
};
export const queueAway = problem("The queue does not take the message, or no queue is bound");
export const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "A text that names the request. A repetition gets the same answer, with Idempotency-Replayed.",
  schema: { type: "string", maxLength: 255 },
};
export const reading = { ...invalid, ...limited, ...away };
/** The role that an operation needs (OpenAPI 3.1 allows roles in place of scopes). */
export const needs = (role: AdminRole) => [{ admin: [role] }];
export const guarded = {
  401: problem("No bearer token, or a wrong one"),
  403: problem("The role of the token does not suffice, or no token is configured"),
  ...reading,
};
