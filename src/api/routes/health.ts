import { sql } from "drizzle-orm";
import { Hono } from "hono";
import type { StrataEnv } from "../../index.ts";
import { createHealthCheck } from "../health-check.ts";
import { noQuery } from "../inputs.ts";
import type { AppServices } from "../services.ts";

/**
 * The state of the Worker.
 *
 * - `ok`: all dependencies answer.
 * - `degraded`: a cache tier does not answer, but every request gets an answer.
 * - `down`: the database does not answer, so only cached data is served (status 503).
 */
type Status = "ok" | "degraded" | "down";

export function healthRoutes({ db, logReachable }: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  const check = createHealthCheck(async (ctx) => {
    const [database, redis] = await Promise.all([
      db.execute(sql`select 1`).then(
        () => true,
        () => false,
      ),
      logReachable(ctx),
    ]);
    return { database, redis };
  });

  routes.get("/", async (c) => {
    noQuery(c);
    const { database, redis } = await check(c.var.strata.ctx);
    // On workers.dev the Cache API stores nothing. The edge tier needs a domain of the Worker's own.
    const edge = !new URL(c.req.url).hostname.endsWith(".workers.dev");
    const status: Status = !database ? "down" : redis && edge ? "ok" : "degraded";
    const report = { status, checks: { database, redis, edge } };
    return c.json(report, database ? 200 : 503, { "Cache-Control": "no-store" });
  });

  return routes;
}
