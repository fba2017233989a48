/** The responses of an operation that are problems: one for each status, with every type that has the status. */
import {
  headersOf,
  OF_CACHE_READS,
  OF_EVERY_ANSWER,
  OF_REPLAYS,
  type FieldName,
} from "./fields.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { OpenApiResponse } from "./openapi.ts";
import type { Operation } from "./operation.ts";
import {
  OF_BODIES,
  OF_CREDENTIALS,
  OF_EVERY_OPERATION,
  OF_IDEMPOTENCY,
  OF_SESSIONS,
  OF_INPUTS,
  OF_TOKENS,
  PROBLEMS,
  type ProblemEntry,
  type ProblemType,
} from "./problems.ts";

/** The schema of every problem. */
export const PROBLEM: JsonSchema = {
  type: "object",
  description:
    "RFC 9457. `type` is `urn:strata:problem:` and the name of the problem. Some problems have more members.",
  required: ["type", "title", "status"],
  properties: {
    type: { type: "string", pattern: "^urn:strata:problem:[a-z-]+$" },
    title: { type: "string" },
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: { type: "string", description: "A sentence that explains the fault of this request." },
    errors: {
      type: "array",
      description: "The wrong fields, at most 20.",
      maxItems: 20,
      items: {
        type: "object",
        required: ["field", "detail"],
        properties: { field: { type: "string" }, detail: { type: "string" } },
        additionalProperties: false,
      },
    },
  },
};

/** Returns every problem type that the operation can answer. */
function problemsOf(operation: Operation): readonly ProblemType[] {
  const { body, role, roleForMore, session, idempotent, problems = [] } = operation;
  return [
    ...new Set([
      ...OF_EVERY_OPERATION,
      ...OF_INPUTS,
      ...(body === undefined ? [] : OF_BODIES),
      ...(role === undefined ? [] : OF_TOKENS),
      ...(roleForMore === undefined ? [] : OF_CREDENTIALS),
      ...(session === undefined ? [] : OF_SESSIONS[session]),
      ...(idempotent ? OF_IDEMPOTENCY : []),
      ...problems,
    ]),
  ];
}

type Reference = { readonly $ref: string };

/** The problem responses of one document. Operations with the same types for a status share one. */
export interface ProblemResponses {
  /** Returns the responses of an operation. @throws {Error} if another answer has the status of a problem */
  of(operation: Operation): Record<string, Reference>;
  readonly components: Readonly<Record<string, OpenApiResponse>>;
}

export function createProblemResponses(): ProblemResponses {
  const components: Record<string, OpenApiResponse> = {};
  return {
    components,
    of(operation) {
      const byStatus = new Map<number, ProblemType[]>();
      for (const type of problemsOf(operation)) {
        const { status } = PROBLEMS[type];
        byStatus.set(status, [...(byStatus.get(status) ?? []), type]);
      }
      return Object.fromEntries(
        [...byStatus].map(([status, types]) => {
          if (operation.answers[status] !== undefined)
            throw new Error(`${status} is the status of an answer and of ${types.join(", ")}`);
          const isReplayed = operation.idempotent === true && isStored(status);
          const takesCookie = status === 401 && isSignOut(operation);
          const marks = [...(isReplayed ? ["replayed"] : []), ...(takesCookie ? ["cookie"] : [])];
          const name = [...types, ...marks].join(".");
          components[name] ??= problemResponse(status, types, [
            ...(isReplayed ? OF_REPLAYS : []),
            ...(takesCookie ? (["Set-Cookie"] as const) : []),
          ]);
          return [status, { $ref: `#/components/responses/${name}` }];
        }),
      );
    },
  };
}

/** Whether the operation takes the session cookie from the client, also if its session has ended before. */
function isSignOut({ session, answers }: Operation): boolean {
  return session === "required" && answers[204]?.fields?.includes("Set-Cookie") === true;
}

/** Whether an answer with this status is kept for repetitions. Tokens and limits are checked before the key. */
function isStored(status: number): boolean {
  return status < 500 && ![401, 403, 429].includes(status);
}

/** The fields beside those of every answer. A 404, a 426, a 429 and a 503 may come after a read of the cache. */
const FIELDS_BY_STATUS: Readonly<Record<number, readonly FieldName[]>> = {
  401: ["WWW-Authenticate"],
  403: ["WWW-Authenticate"],
  404: OF_CACHE_READS,
  409: ["Retry-After"],
  415: ["Accept"],
  426: ["Upgrade", ...OF_CACHE_READS],
  429: ["Retry-After", ...OF_CACHE_READS],
  503: ["Retry-After", ...OF_CACHE_READS],
};

function problemResponse(
  status: number,
  types: readonly ProblemType[],
  more: readonly FieldName[],
): OpenApiResponse {
  const urns = types.map((type) => `urn:strata:problem:${type}`);
  return {
    description: types.map((type) => `\`${type}\`: ${PROBLEMS[type].description}`).join("\n\n"),
    headers: headersOf([...(FIELDS_BY_STATUS[status] ?? []), ...more, ...OF_EVERY_ANSWER]),
    content: {
      "application/problem+json": {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Problem" },
            { properties: { type: { enum: urns }, status: { const: status } } },
          ],
        },
        examples: Object.fromEntries(types.map((type) => [type, { value: exampleOf(type) }])),
      },
    },
  };
}

function exampleOf(type: ProblemType) {
  const { title, status, description, extensions }: ProblemEntry = PROBLEMS[type];
  return { type: `urn:strata:problem:${type}`, title, status, detail: description, ...extensions };
}
