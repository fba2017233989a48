/** Types of `@upstash/ratelimit` that it has and does not export. */
import type { Ratelimit } from "@upstash/ratelimit";

/** An algorithm for one Redis, as `new Ratelimit({ limiter })` takes it. */
export type UpstashAlgorithm = ConstructorParameters<typeof Ratelimit>[0]["limiter"];
export type UpstashLimiter = ReturnType<UpstashAlgorithm>;
export type UpstashRedis = Parameters<UpstashLimiter["limit"]>[0]["redis"];
export type UpstashResponse = Awaited<ReturnType<UpstashLimiter["limit"]>>;
