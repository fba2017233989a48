import type { Hono, MiddlewareHandler } from "hono";
import type { Strata, StrataEnv } from "../index.ts";

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
> {
  /** Gives each request its scope and each response its cache headers. */
  readonly scope: MiddlewareHandler<StrataEnv>;
  /** Creates the dashboard. `guard` protects its figures. Undefined if the dashboard is not bundled. */
  readonly dashboard: ((guard: MiddlewareHandler<StrataEnv>) => Hono<StrataEnv>) | undefined;
  /** The pages of the front door. Undefined if their files are not bundled. */
  readonly front: Hono<StrataEnv> | undefined;
}
