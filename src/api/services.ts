import type { MiddlewareHandler } from "hono";
import type { Context, Database, MetricsView, RateLimits, StrataEnv, Writer } from "../index.ts";

/** What the reference application is made of. */
export interface AppServices {
  readonly config: { readonly adminToken: string | undefined; readonly dev: boolean };
  readonly db: Database;
  readonly writer: Writer;
  readonly metrics: MetricsView;
  readonly rateLimits: RateLimits<StrataEnv>;
  /** Gives each request its scope and each answer its headers. */
  readonly strata: MiddlewareHandler<StrataEnv>;
  /** Asks the invalidation log whether it is there. */
  readonly logReachable: (ctx: Context) => Promise<boolean>;
}
