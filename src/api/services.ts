import type { Hono, MiddlewareHandler } from "hono";
import type {
  Config,
  Context,
  Database,
  Existence,
  Inspect,
  MetricsView,
  RateLimits,
  Strata,
  StrataEnv,
  Writer,
} from "../index.ts";

/** What the reference application is made of. */
export interface AppServices {
  readonly config: Pick<Config, "adminToken" | "dev" | "originUrl" | "originAtRoot">;
  readonly db: Database;
  readonly writer: Writer;
  readonly metrics: MetricsView;
  readonly inspect: Inspect;
  /** Says of ids that cannot exist that they do not, without asking any tier. */
  readonly existence: Existence;
  /** The platform's fetch, which tells other services whose request they serve. */
  readonly tracedFetch: Strata["tracedFetch"];
  /** The dashboard, given what guards its figures; undefined where it is not bundled. */
  readonly dashboard: ((guard: MiddlewareHandler<StrataEnv>) => Hono<StrataEnv>) | undefined;
  readonly rateLimits: RateLimits<StrataEnv>;
  readonly coherence: Strata["coherence"];
  /** Gives each request its scope and each answer its headers. */
  readonly strata: MiddlewareHandler<StrataEnv>;
  /** Asks the invalidation log whether it is there. */
  readonly logReachable: (ctx: Context) => Promise<boolean>;
}
