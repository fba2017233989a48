import { Hono } from "hono";
import { DefinitionError, type Inspect, type StrataEnv } from "../../index.ts";
import { keyOf } from "../admin-inputs.ts";
import { auditAction } from "../admin.ts";
import { invalid } from "../inputs.ts";
import { describeTier } from "../tier-report.ts";

/** `GET /admin/entry?key=`: reports the entry that each tier holds under a key, without its body. */
export function entryRoutes(inspect: Inspect): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    const key = keyOf(c);
    auditAction(c, undefined, [["key", key]]);
    try {
      const now = c.var.strata.ctx.now();
      const reports = await inspect(key, c.var.strata.ctx);
      const tiers = reports.map((report) => describeTier(report, now));
      return c.json({ key, tiers }, 200, { "Cache-Control": "no-store" });
    } catch (error) {
      if (error instanceof DefinitionError)
        throw invalid([{ field: "key", detail: error.problem }]);
      throw error;
    }
  });

  return routes;
}
