/** The problem responses of the reference API. */
import type { ErrorHandler, Hono, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  CacheUnavailable,
  ComparisonBusy,
  OriginFault,
  problem,
  SessionsUnavailable,
  WriteUnconfirmed,
  type ProblemOptions,
  type StrataEnv,
} from "../index.ts";

/** Thrown by a handler to end a request. `problem` becomes the response. */
export class ApiProblem extends Error {
  readonly problem: ProblemOptions;
  constructor(options: ProblemOptions) {
    super(options.detail ?? options.title);
    this.name = "ApiProblem";
    this.problem = options;
  }
}

/** Returns a response with status 404. Cached routes store it as a negative entry. */
export function notFound(detail: string): Response {
  return problem({ status: 404, type: "not-found", title: "Not Found", detail });
}

/**
 * Turns an error of a handler into a problem response. The response to an unknown error does not
 * contain its text.
 */
export const onError: ErrorHandler<StrataEnv> = (error) => {
  if (error instanceof ApiProblem) return problem(error.problem);
  if (error instanceof WriteUnconfirmed)
    return unavailable(error.fault.retryAfterMs, {
      type: "write-unconfirmed",
      title: "Write Unconfirmed",
      detail:
        "The database did not confirm the write, so it may or may not have been done. Read before you write again.",
    });
  if (
    error instanceof CacheUnavailable ||
    (error instanceof OriginFault && error.fault.retryAfterMs !== undefined)
  )
    return unavailable(error.fault.retryAfterMs, {
      type: "origin-unavailable",
      title: "Origin Unavailable",
      detail: "Neither the origin nor the cache can answer at the moment.",
    });
  if (error instanceof SessionsUnavailable)
    return unavailable(error.fault.retryAfterMs, {
      type: "sessions-unavailable",
      title: "Sessions Unavailable",
      detail: "Redis does not answer, so that sessions cannot be read or changed at the moment.",
    });
  if (error instanceof ComparisonBusy)
    return unavailable(undefined, {
      type: "comparison-busy",
      title: "Comparison Busy",
      detail: "Other comparisons are running. One runs at a time.",
    });
  if (error instanceof HTTPException)
    return problem({
      status: error.status,
      type: "http",
      title: "Bad Request",
      detail: error.message,
    });
  return problem({
    status: 500,
    type: "internal",
    title: "Internal Error",
    detail: "The request could not be handled.",
  });
};

function unavailable(
  retryAfterMs: number | undefined,
  options: Pick<ProblemOptions, "type" | "title" | "detail">,
): Response {
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 1_000) / 1_000));
  return problem({ status: 503, ...options, headers: { "Retry-After": String(seconds) } });
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/**
 * Answers 404 if no route has the path, or if its route has no such file. Answers 405 with `Allow` if
 * routes have the path for other methods only.
 */
export function noSuchRoute(app: Hono<StrataEnv>): NotFoundHandler<StrataEnv> {
  return (c) => {
    const allowed: string[] = METHODS.filter((method) =>
      app.router.match(method, c.req.path)[0].some(([[, route]]) => route.method === method),
    );
    const asked = c.req.method === "HEAD" ? "GET" : c.req.method;
    // A route with this method that has passed the request on has nothing under the path.
    if (allowed.length === 0 || allowed.includes(asked)) return notFound("There is no such route.");
    if (allowed.includes("GET")) allowed.unshift("HEAD");
    const headers = { Allow: allowed.join(", ") };
    if (c.req.method === "OPTIONS") return new Response(null, { status: 204, headers });
    return problem({
      status: 405,
      type: "method-not-allowed",
      title: "Method Not Allowed",
      detail: `This route answers ${headers.Allow}.`,
      headers,
    });
  };
}
