/** Every problem type that the reference API answers, for the API reference. docs/failure-modes.md explains them. */

/** The description of one problem type in the API reference. */
export interface ProblemEntry {
  readonly status: number;
  readonly title: string;
  readonly description: string;
  /** The members beside the standard ones, with an example of each. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

const FIELD_ERRORS = { errors: [{ field: "id", detail: "must be a whole number" }] };

export const PROBLEMS = {
  "invalid-input": {
    status: 400,
    title: "Invalid Input",
    description: "A parameter or a field is invalid. `errors` names each one, at most 20.",
    extensions: FIELD_ERRORS,
  },
  "invalid-json": {
    status: 400,
    title: "Invalid JSON",
    description: "The body is not JSON in UTF-8.",
  },
  "client-address-unknown": {
    status: 400,
    title: "Client Address Unknown",
    description: "The network in front of the Worker names no valid client address.",
  },
  "idempotency-key-malformed": {
    status: 400,
    title: "Idempotency Key Malformed",
    description: "`Idempotency-Key` does not have 1 to 255 visible ASCII characters.",
  },
  unauthorized: {
    status: 401,
    title: "Unauthorized",
    description: "The bearer token is missing or wrong.",
  },
  "sign-in-refused": {
    status: 401,
    title: "Unauthorized",
    description:
      "The application refused the sign-in, or all sessions of the user were revoked meanwhile.",
  },
  "cross-site-request": {
    status: 403,
    title: "Forbidden",
    description: "A page of another site may have sent this change of sessions.",
  },
  "admin-disabled": {
    status: 403,
    title: "Forbidden",
    description: "No admin token is configured, so the operation refuses every request.",
  },
  "insufficient-role": {
    status: 403,
    title: "Forbidden",
    description: "The role of the token does not suffice.",
  },
  "not-found": {
    status: 404,
    title: "Not Found",
    description: "There is nothing under this id.",
  },
  "metrics-unbound": {
    status: 404,
    title: "Not Found",
    description: "No metrics object is bound to the Worker.",
  },
  "no-such-persona": {
    status: 404,
    title: "No Such Persona",
    description: "There is no such persona. `detail` lists them.",
  },
  "stock-conflict": {
    status: 409,
    title: "Stock Conflict",
    description: "The change would make the stock less than 0 or too large.",
    extensions: { stock: 3 },
  },
  "payment-conflict": {
    status: 409,
    title: "Payment Conflict",
    description: "The order is charged with another amount.",
    extensions: { amountCents: 1_299 },
  },
  "idempotency-key-in-progress": {
    status: 409,
    title: "Request In Progress",
    description: "A request with this `Idempotency-Key` is running.",
  },
  "idempotency-key-reused": {
    status: 409,
    title: "Idempotency Key Reused",
    description: "The `Idempotency-Key` was sent with another body.",
  },
  "idempotency-answer-lost": {
    status: 409,
    title: "Answer Lost",
    description:
      "The request with this `Idempotency-Key` made its change, and its answer is not stored.",
  },
  "body-too-large": {
    status: 413,
    title: "Content Too Large",
    description: "The body is over 64 KiB.",
  },
  "too-many-bodies": {
    status: 503,
    title: "Too Many Bodies",
    description:
      "The body took long to arrive, and newer bodies needed its room: those of an isolate have 1 MiB together.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "Unsupported Media Type",
    description: "The body is not `application/json`.",
  },
  "unknown-category": {
    status: 422,
    title: "Unknown Category",
    description: "There is no category with the id `categoryId`.",
    extensions: { errors: [{ field: "categoryId", detail: "there is no such category" }] },
  },
  "upgrade-required": {
    status: 426,
    title: "Upgrade Required",
    description: "The operation opens a WebSocket, and the request asks for none.",
  },
  "too-many-connections": {
    status: 429,
    title: "Too Many Connections",
    description: "The client has too many connections to this product.",
  },
  "rate-limit-exceeded": {
    status: 429,
    title: "Too Many Requests",
    description: "A rate limit is exceeded, or too many tokens were wrong.",
    extensions: { "violated-policies": ["api-ip"] },
  },
  internal: {
    status: 500,
    title: "Internal Error",
    description: "The program has a bug.",
  },
  "origin-unavailable": {
    status: 503,
    title: "Origin Unavailable",
    description: "The database does not answer, and no stored value may be served.",
  },
  "write-unconfirmed": {
    status: 503,
    title: "Write Unconfirmed",
    description: "The database did not confirm the write, which may have been made.",
  },
  "queue-unbound": {
    status: 503,
    title: "Queue Unbound",
    description: "No queue is bound to the Worker.",
  },
  "sessions-unavailable": {
    status: 503,
    title: "Sessions Unavailable",
    description: "Redis does not answer, so the session is not known. A change may have been made.",
  },
  "queue-unavailable": {
    status: 503,
    title: "Queue Unavailable",
    description: "The queue did not confirm the message, which may have been sent.",
  },
  "rate-limit-unavailable": {
    status: 503,
    title: "Rate Limit Unavailable",
    description: "Redis is away, and the limit of the operation refuses requests then.",
  },
  "model-not-configured": {
    status: 503,
    title: "Model Not Configured",
    description: "No model is configured.",
  },
  "topic-full": {
    status: 503,
    title: "Topic Full",
    description: "The product has as many connections as it can have.",
  },
  "live-unavailable": {
    status: 503,
    title: "Live Events Unavailable",
    description: "The object that sends the events cannot be reached, or none is bound.",
  },
  "limits-unavailable": {
    status: 503,
    title: "Limits Unavailable",
    description: "Redis, which holds the accounts, does not answer.",
  },
  "comparison-busy": {
    status: 503,
    title: "Comparison Busy",
    description: "Other comparisons of the isolate have run for 30 seconds.",
  },
  "pin-unavailable": {
    status: 503,
    title: "Pin Unavailable",
    description: "Redis, which holds the level, does not answer. The level is as before.",
  },
} as const satisfies Readonly<Record<string, ProblemEntry>>;

/** The last part of a problem's type URI. */
export type ProblemType = keyof typeof PROBLEMS;

/** The problems that every operation can answer. */
export const OF_EVERY_OPERATION: readonly ProblemType[] = [
  "client-address-unknown",
  "rate-limit-exceeded",
  "internal",
];
/** The problem of a token that is wrong where none is needed. */
export const OF_CREDENTIALS: readonly ProblemType[] = ["unauthorized"];
export const OF_TOKENS: readonly ProblemType[] = [
  "unauthorized",
  "admin-disabled",
  "insufficient-role",
];
/** The problems of an operation that reads the session of the request. */
export const OF_SESSIONS: Readonly<Record<"required" | "optional", readonly ProblemType[]>> = {
  required: ["unauthorized", "sessions-unavailable"],
  optional: ["sessions-unavailable"],
};
export const OF_INPUTS: readonly ProblemType[] = ["invalid-input"];
export const OF_BODIES: readonly ProblemType[] = [
  "invalid-json",
  "invalid-input",
  "body-too-large",
  "unsupported-media-type",
  "too-many-bodies",
];
export const OF_IDEMPOTENCY: readonly ProblemType[] = [
  "idempotency-key-malformed",
  "idempotency-key-in-progress",
  "idempotency-key-reused",
  "idempotency-answer-lost",
];
/** The problems of an operation that reads from the database, through the cache or not. */
export const OF_READS: readonly ProblemType[] = ["origin-unavailable"];
/** The problems of an operation that writes to the database. */
export const OF_WRITES: readonly ProblemType[] = ["origin-unavailable", "write-unconfirmed"];
/** The problems of an operation that sends messages. */
export const OF_MESSAGES: readonly ProblemType[] = ["queue-unbound", "queue-unavailable"];
