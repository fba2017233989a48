import { Hono } from "hono";
import { DefinitionError, type StrataEnv } from "../../index.ts";
import type { Admin } from "../admin.ts";
import { bodyOf, invalid, Purge } from "../inputs.ts";
import type { AppServices } from "../services.ts";
import { entryRoutes } from "./entry.ts";
import { limitRoutes } from "./limits.ts";
import { warmRoutes } from "./warm.ts";

export function adminRoutes(services: AppServices, admin: Admin): Hono<StrataEnv> {
  const { writer, rateLimits } = services;
  const routes = new Hono<StrataEnv>();
  // The token is checked before the routes, so that a caller without it does not learn which routes exist.
  routes.use(admin.required);
  routes.route("/limits", limitRoutes(rateLimits));
  routes.route("/entry", entryRoutes(services.inspect));
  routes.route("/warm", warmRoutes(services));

  routes.post("/purge", async (c) => {
    const { tags, keys, prefixes, everything, soft } = await bodyOf(c, Purge);
    try {
      const invalidation = await writer.purge(
        {
          ...(tags && { tags }),
          ...(keys && { keys }),
          ...(prefixes && { prefixes }),
          ...(everything && { everything }),
          ...(soft && { soft }),
        },
        c.var.strata.ctx,
      );
      const headers = { "X-Invalidation": invalidation, "Cache-Control": "no-store" };
      // Status 202 says that the outbox holds the invalidation until Redis answers.
      return c.json({ invalidation }, invalidation === "done" ? 200 : 202, headers);
    } catch (error) {
      if (error instanceof DefinitionError) {
        const detail = error.problem;
        throw invalid([{ field: error.field, detail }]);
      }
      throw error;
    }
  });

  return routes;
}
