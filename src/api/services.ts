import type { Hono, MiddlewareHandler } from "hono";
import type { Strata, StrataEnv } from "../index.ts";
import type { RunDry } from "./dry-run.ts";

/** The services that the reference application uses: members of a layer, and two that are made from it. */
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
  | "degradation"
  | "messages"
  | "idempotent"
  | "pending"
  | "why"
  | "refusalsOf"
> {
  /** Gives each request its scope and each response its cache headers. */
  readonly scope: MiddlewareHandler<StrataEnv>;
  /** Finds out which keys a GET request reads. */
  readonly runDry: RunDry;
  /** Creates the dashboard. `guard` protects its figures. Undefined if the dashboard is not bundled. */
  readonly dashboard: ((guard: MiddlewareHandler<StrataEnv>) => Hono<StrataEnv>) | undefined;
}
