import { Hono } from "hono";
import { problem, type StrataEnv } from "../../index.ts";
import type { Admin } from "../admin.ts";
import { noQuery } from "../inputs.ts";
import type { AppServices } from "../services.ts";

/**
 * Serves the metrics of all isolates in the Prometheus text format. Outside development the route
 * needs a token of the role `scrape`.
 */
export function metricsRoutes(
  { admin: { metrics }, config }: AppServices,
  admin: Admin,
): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  if (!config.dev) routes.use(admin.requires("scrape"));

  routes.get("/", async (c) => {
    noQuery(c);
    const exposition = await metrics.exposition();
    if (exposition === undefined)
      return problem({
        status: 404,
        type: "metrics-unbound",
        title: "Not Found",
        detail: "No metrics object is bound to this Worker.",
      });
    const { body, contentType } = exposition;
    return c.body(body, 200, { "Content-Type": contentType, "Cache-Control": "no-store" });
  });

  return routes;
}
