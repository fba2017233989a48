import { Hono } from "hono";
import type { Inspect, StrataEnv } from "../../index.ts";
import { keyOf } from "../admin-inputs.ts";
import { auditAction } from "../admin.ts";
import { describeTier } from "../tier-report.ts";

/** `GET /admin/entry?key=`: reports the entry that each tier holds under a key, without its body. */
export function entryRoutes(inspect: Inspect): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    const key = keyOf(c);
    auditAction(c, undefined, [["key", key]]);
    const { ctx } = c.var.strata;
    const now = ctx.now();
    const tiers = (await inspect(key, ctx)).map((report) => describeTier(report, now));
    return c.json({ key, tiers }, 200, { "Cache-Control": "no-store" });
  });

  return routes;
}
