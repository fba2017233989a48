import type { MiddlewareHandler } from "hono";
import type { RateLimitOptions, RateLimits, StrataEnv } from "../index.ts";

/** Shared by everything that is limited: one name, so the same tokens. */
const EVERYBODY = {
  name: "api",
  ip: "100/1m",
  user: "1000/1h",
  mode: "fast",
  // Without Redis each isolate goes on counting for itself.
  onUnavailable: "local",
} as const satisfies RateLimitOptions;

/** What a write takes besides. */
const WRITES = { name: "writes", ip: "60/1m", user: "300/1h" } as const;

/** Operators are not kept out by what else their address does; nobody tries many tokens. */
const ADMIN = { ...EVERYBODY, name: "admin", ip: "60/1m", user: "600/1h" } as const;

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

export interface ApiLimitsOptions {
  readonly rateLimits: RateLimits<StrataEnv>;
  /** Where health, metrics and admin live: "", or a prefix when another origin has the root. */
  readonly ownPrefix: string;
}

/**
 * The limits of the reference API, one of them a request. Not limited: `/health`,
 * which is asked by machines, and another origin that has taken the root.
 */
export function apiLimits({
  rateLimits,
  ownPrefix,
}: ApiLimitsOptions): MiddlewareHandler<StrataEnv> {
  const { rateLimit } = rateLimits;
  const reads = rateLimit(EVERYBODY);
  const writes = rateLimit(EVERYBODY, WRITES);
  const admin = rateLimit(ADMIN);

  return (c, next) => {
    const { path, method } = c.req;
    if (path === `${ownPrefix}/health` || !path.startsWith(`${ownPrefix}/`)) return next();
    if (path.startsWith(`${ownPrefix}/admin/`)) return admin(c, next);
    // What another origin does with a request is its own affair.
    const isRead = READS.has(method) || path.startsWith("/origin/");
    return isRead ? reads(c, next) : writes(c, next);
  };
}
