import type { Hono, MiddlewareHandler } from "hono";
import type { Strata, StrataEnv } from "../index.ts";

/** The parts of the reference application: members of a layer, and two parts made of it. */
export interface AppServices extends Pick<
  Strata,
  | "config"
  | "db"
  | "writer"
  | "metrics"
  | "inspect"
  | "existence"
  | "tracedFetch"
  | "rateLimits"
  | "invalidator"
  | "logReachable"
> {
  /** Gives each request its scope and each response its cache headers. */
  readonly scope: MiddlewareHandler<StrataEnv>;
  /** Creates the dashboard behind a guard for its figures. Undefined if it is not bundled. */
  readonly dashboard: ((guard: MiddlewareHandler<StrataEnv>) => Hono<StrataEnv>) | undefined;
}
