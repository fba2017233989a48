import { sql } from "drizzle-orm";
import { Hono } from "hono";
import type { StrataEnv } from "../../index.ts";
import { noQuery } from "../inputs.ts";
import type { AppServices } from "../services.ts";

/**
 * `ok`. `degraded`: a cache tier is out, and every request is answered. `down`: the database is
 * out, and only cached data is answered (status 503).
 */
type Status = "ok" | "degraded" | "down";

export function healthRoutes({ db, logReachable }: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    noQuery(c);
    const [database, redis] = await Promise.all([
      db.execute(sql`select 1`).then(
        () => true,
        () => false,
      ),
      logReachable(c.var.strata.ctx),
    ]);
    // On workers.dev the Cache API stores nothing: the Worker needs its own domain.
    const edge = !new URL(c.req.url).hostname.endsWith(".workers.dev");
    const status: Status = !database ? "down" : redis && edge ? "ok" : "degraded";
    const report = { status, checks: { database, redis, edge } };
    return c.json(report, database ? 200 : 503, { "Cache-Control": "no-store" });
  });

  return routes;
}
