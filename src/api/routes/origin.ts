import { Hono, type MiddlewareHandler } from "hono";
import { passThrough, type StrataEnv } from "../../index.ts";
import type { AppServices } from "../services.ts";

/** The prefix of the paths of this Worker's own routes if the proxy serves the root. */
const OWN = "/__strata";

/** Returns the prefix of the paths of health, metrics and admin. */
export function ownPrefix({ originAtRoot }: Pick<AppServices["config"], "originAtRoot">): string {
  return originAtRoot ? OWN : "";
}

/**
 * Serves the proxy in front of `ORIGIN_URL`: under /origin, or at the root for every path outside
 * /__strata.
 */
export function originRoutes({
  config,
  invalidator,
  tracedFetch: fetch,
  sessions,
}: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  if (config.originUrl === undefined) return routes;
  const origin = new URL(config.originUrl);
  const { originSharing: sharing, originCredentialHeaders: credentialHeaders } = config;
  const options = {
    origin,
    invalidator,
    fetch,
    sharing,
    ...(credentialHeaders && { credentialHeaders }),
    forwardFields: config.originForwardHeaders,
    // A key of this Worker's own callers is no business of the origin.
    dropFields: config.apiKeys === "" ? [] : ["X-API-Key"],
    clientAddressHeader: config.clientAddressHeader,
  };
  if (!config.originAtRoot) {
    const proxy = passThrough({ ...options, prefix: "/origin" });
    // The session is one of this Worker's own routes, on the same host.
    const pass: MiddlewareHandler<StrataEnv> = (c, next) => {
      sessions.hideCookie(c);
      return proxy(c, next);
    };
    return routes.all("/origin", pass).all("/origin/*", pass);
  }
  const pass = passThrough(options);
  return routes.all("*", (c, next) =>
    c.req.path === OWN || c.req.path.startsWith(`${OWN}/`) ? next() : pass(c, next),
  );
}
