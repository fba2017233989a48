import { Hono } from "hono";
import type { Degradation, StrataEnv } from "../../index.ts";
import { auditAction } from "../admin.ts";
import { ApiProblem } from "../errors.ts";
import { LevelPin } from "../admin-inputs.ts";
import { bodyOf, noQuery } from "../inputs.ts";

const DEFAULT_MINUTES = 60;

/**
 * `GET /admin/degradation`: the level of the isolate that answers, and the state of each dependency.
 * `PUT /admin/degradation`: sets the level of all isolates for some minutes, or lets them follow their
 * dependencies again (`auto`).
 */
export function degradationRoutes(degradation: Degradation): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    noQuery(c);
    const report = await degradation.report(c.var.strata.ctx);
    return c.json(report, 200, { "Cache-Control": "no-store" });
  });

  routes.put("/", async (c) => {
    const { level, minutes = DEFAULT_MINUTES } = await bodyOf(c, LevelPin);
    const { ctx } = c.var.strata;
    auditAction(c, undefined, [["level", level]]);
    const pin = level === "auto" ? undefined : { level, until: ctx.now() + minutes * 60_000 };
    const set = await degradation.pin(pin, ctx);
    if (!set.ok)
      throw new ApiProblem({
        status: 503,
        type: "pin-unavailable",
        title: "Pin Unavailable",
        detail:
          "Redis, which holds the level, does not answer at the moment. The level is as before.",
        headers: { "Retry-After": "1" },
      });
    const report = await degradation.report(ctx);
    return c.json(report, 200, { "Cache-Control": "no-store" });
  });

  return routes;
}
