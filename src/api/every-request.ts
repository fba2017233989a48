/** The middleware of every request to the reference API: its rate limits, and the security fields of its response. */
import type { MiddlewareHandler } from "hono";
import { batchSizeOf } from "./inputs.ts";
import {
  SECURITY_FIELDS,
  type FailureLimitOptions,
  type RateLimitOptions,
  type RateLimits,
  type StrataEnv,
} from "../index.ts";

/** The limit that applies to every route. Routes whose limits have the same name share one set of tokens. */
const EVERY_ROUTE = {
  name: "api",
  ip: "100/1m",
  user: "1000/1h",
  mode: "fast",
  // Without Redis, each isolate continues with the requests that it has counted itself.
  onUnavailable: "local",
} as const satisfies RateLimitOptions;

/** The limit of writes. A write takes a token from it and from `EVERY_ROUTE`. */
const WRITES = { name: "writes", ip: "60/1m", user: "300/1h" } as const;

/** The limit of questions to the model. A question takes a token from it and from `EVERY_ROUTE`. */
const CHAT = { name: "chat", ip: "60/1m", user: "600/1h" } as const;

/**
 * The limit of /admin. It is separate, so that other traffic from an operator's address cannot shut
 * the operator out.
 */
const ADMIN = { ...EVERY_ROUTE, name: "admin", ip: "60/1m", user: "600/1h" } as const;

/** The limit of wrong admin tokens, on all routes together. */
export const ADMIN_GUESSES = {
  name: "admin-guesses",
  ip: "10/1m",
  all: "100/1m",
} as const satisfies FailureLimitOptions;

/**
 * The limit of /health. It is separate, so that other traffic from an address does not shut out the
 * monitoring system at that address.
 */
const HEALTH = {
  name: "health",
  ip: "120/1m",
  mode: "fast",
  onUnavailable: "local",
} as const satisfies RateLimitOptions;

/**
 * The limit of the pages and their files. It is separate, because a browser asks for many files at
 * once, which would otherwise use up the requests of the page itself.
 */
const PAGES = {
  name: "pages",
  ip: "300/1m",
  mode: "fast",
  onUnavailable: "local",
} as const satisfies RateLimitOptions;
const PAGE = /^\/(?:$|(?:demo|docs|openapi\.json|front|dashboard)(?:$|\/))/;

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

export interface ApiLimitsOptions {
  readonly rateLimits: RateLimits<StrataEnv>;
  /** The prefix of the paths of health, metrics and admin: "", or "/__strata" if the proxy serves the root. */
  readonly ownPrefix: string;
}

/**
 * Applies the limits of the reference API. A batch of users takes a token for each id, as single
 * reads of these users would. A proxy at the root has no limit.
 */
export function apiLimits({
  rateLimits,
  ownPrefix,
}: ApiLimitsOptions): MiddlewareHandler<StrataEnv> {
  const { rateLimit } = rateLimits;
  const reads = rateLimit(EVERY_ROUTE);
  const writes = rateLimit(EVERY_ROUTE, WRITES);
  const batches = rateLimit({ ...EVERY_ROUTE, cost: batchSizeOf });
  // These routes read the session in any case. On all others, a session cookie costs nothing.
  const chat = rateLimit({ ...EVERY_ROUTE, sessions: true }, CHAT);
  const sessionReads = rateLimit({ ...EVERY_ROUTE, sessions: true });
  const sessionWrites = rateLimit({ ...EVERY_ROUTE, sessions: true }, WRITES);
  const admin = rateLimit(ADMIN);
  const health = rateLimit(HEALTH);
  const pages = rateLimit(PAGES);

  return (c, next) => {
    const { path, method } = c.req;
    if (!path.startsWith(`${ownPrefix}/`)) return next();
    if (path === `${ownPrefix}/health` || path.startsWith(`${ownPrefix}/health/`))
      return health(c, next);
    if (path.startsWith(`${ownPrefix}/admin/`)) return admin(c, next);
    // A proxied write changes no data of this Worker, so the read limit applies to it.
    const isRead = READS.has(method) || path.startsWith("/origin/");
    if (path === "/sessions" || path.startsWith("/sessions/"))
      return isRead ? sessionReads(c, next) : sessionWrites(c, next);
    if (!isRead) return path === "/chat" ? chat(c, next) : writes(c, next);
    if (path.startsWith("/users/")) return sessionReads(c, next);
    if (path === "/users") return batches(c, next);
    return PAGE.test(path.slice(ownPrefix.length)) ? pages(c, next) : reads(c, next);
  };
}

const FIELDS = Object.entries(SECURITY_FIELDS);

/** Adds the security fields to a response that has none. Problems and pages have set their own. */
export const ownFields: MiddlewareHandler<StrataEnv> = async (c, next) => {
  await next();
  const { headers } = c.res;
  if (headers.has("X-Content-Type-Options")) return;
  for (const [name, value] of FIELDS) headers.set(name, value);
};
