import type { Context, Hono, MiddlewareHandler } from "hono";
import type { Strata, StrataEnv } from "../index.ts";
import type { RunDry } from "./dry-run.ts";

/** The static files of this Worker, by path. */
export interface Assets {
  fetch(request: Request): Promise<Response>;
}

/** Returns whether the request may sign in as the user. It reads the credentials from fields of the request. */
export type VerifySignIn = (c: Context<StrataEnv>, userId: number) => Promise<boolean>;

/** The services that the reference application uses: members of a layer, and two that are made from it. */
export interface AppServices extends Pick<
  Strata,
  | "config"
  | "db"
  | "writer"
  | "admin"
  | "jobs"
  | "existence"
  | "tracedFetch"
  | "rateLimits"
  | "sessions"
  | "invalidator"
  | "degradation"
  | "idempotent"
  | "live"
  | "answers"
> {
  /** Gives each request its scope and each response its cache headers. */
  readonly scope: MiddlewareHandler<StrataEnv>;
  /** Finds out which keys a GET request reads. */
  readonly runDry: RunDry;
  /** Serves the static files. Undefined if none are bundled. */
  readonly assets: Assets | undefined;
  /**
   * Checks the credentials of a sign-in, in place of the admin token. Undefined if `POST /sessions` needs the admin
   * token.
   */
  readonly verifySignIn?: VerifySignIn | undefined;
  /** Creates the dashboard. `guard` protects its figures. Undefined if the dashboard is not bundled. */
  readonly dashboard: ((guard: MiddlewareHandler<StrataEnv>) => Hono<StrataEnv>) | undefined;
  /** The pages of the front door. Undefined if their files are not bundled. */
  readonly front: Hono<StrataEnv> | undefined;
}
