import { Hono } from "hono";
import { passThrough, type StrataEnv } from "../../index.ts";
import type { AppServices } from "../services.ts";

/** Where this Worker's own routes are when the root is the origin's. */
const OWN = "/__strata";

/** What stands before the paths of health, metrics and admin. */
export function ownPrefix({ originAtRoot }: Pick<AppServices["config"], "originAtRoot">): string {
  return originAtRoot ? OWN : "";
}

/** `ORIGIN_URL` through the cache: under /origin, or in place of everything but our own routes. */
export function originRoutes({
  config,
  coherence,
  tracedFetch: fetch,
}: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  if (config.originUrl === undefined) return routes;
  const origin = new URL(config.originUrl);
  if (!config.originAtRoot) {
    const pass = passThrough({ origin, prefix: "/origin", invalidator: coherence, fetch });
    return routes.all("/origin", pass).all("/origin/*", pass);
  }
  const pass = passThrough({ origin, invalidator: coherence, fetch });
  return routes.all("*", (c, next) =>
    c.req.path === OWN || c.req.path.startsWith(`${OWN}/`) ? next() : pass(c, next),
  );
}
