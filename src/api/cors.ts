import type { Context, MiddlewareHandler } from "hono";
import type { Config, StrataEnv } from "../index.ts";
import { ownPrefix } from "./routes/origin.ts";

/** The methods and request fields that pages may use. */
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const REQUEST_FIELDS =
  "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Range, X-API-Key, traceparent, tracestate";

/** The response fields that pages may read beside those that every page may. */
const EXPOSED =
  "Age, Cache-Status, ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, traceparent, WWW-Authenticate, X-Accel-Buffering, X-Cache-Status, X-Invalidation, X-Live-Events, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Response-Time";

/** Browsers keep the answer to a preflight for at most 2 hours. */
const MAX_AGE_SECONDS = "7200";

export type CorsConfig = Pick<
  Config,
  "corsOrigins" | "corsCredentials" | "originUrl" | "originAtRoot"
>;

/**
 * Creates the middleware that lets pages of other origins read answers. Undefined if no origin is
 * configured, so that requests then cost nothing. It answers preflights itself. It adds its fields
 * when the answer is complete, so that they are on a 304 and on a refusal too, and in no entry.
 * Requests for the proxy pass, because their origin decides for itself.
 */
export function createCors(config: CorsConfig): MiddlewareHandler<StrataEnv> | undefined {
  const { corsOrigins: origins, corsCredentials } = config;
  if (origins.length === 0) return undefined;
  const listed = origins === "*" ? undefined : new Set(origins);
  const isProxied = proxiedPaths(config);

  /** Returns the fields of every answer to this request. */
  function fieldsFor(c: Context): Record<string, string> {
    if (listed === undefined) return { "Access-Control-Allow-Origin": "*" };
    const origin = c.req.header("Origin");
    // The answer to another page is different, also to one that gets no field.
    if (origin === undefined || !listed.has(origin)) return { Vary: "Origin" };
    return {
      Vary: "Origin",
      "Access-Control-Allow-Origin": origin,
      ...(corsCredentials && { "Access-Control-Allow-Credentials": "true" }),
    };
  }

  return async (c, next) => {
    if (isProxied(c.req.path)) return next();
    const fields = fieldsFor(c);
    if (isPreflight(c)) return preflightAnswer(fields);
    await next();
    // A page may open a WebSocket of any origin, and its response cannot be changed.
    if (c.res.status === 101) return undefined;
    for (const [name, value] of Object.entries(fields))
      c.header(name, value, { append: name === "Vary" });
    if (fields["Access-Control-Allow-Origin"] !== undefined)
      c.header("Access-Control-Expose-Headers", EXPOSED);
    return undefined;
  };
}

function proxiedPaths(config: CorsConfig): (path: string) => boolean {
  if (config.originUrl === undefined) return () => false;
  if (config.originAtRoot) return (path) => !path.startsWith(`${ownPrefix(config)}/`);
  return (path) => path === "/origin" || path.startsWith("/origin/");
}

function isPreflight({ req }: Context): boolean {
  return (
    req.method === "OPTIONS" &&
    req.header("Origin") !== undefined &&
    req.header("Access-Control-Request-Method") !== undefined
  );
}

function preflightAnswer(fields: Readonly<Record<string, string>>): Response {
  const isAllowed = fields["Access-Control-Allow-Origin"] !== undefined;
  return new Response(null, {
    status: 204,
    headers: {
      ...fields,
      ...(isAllowed && {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": REQUEST_FIELDS,
        "Access-Control-Max-Age": MAX_AGE_SECONDS,
      }),
    },
  });
}
