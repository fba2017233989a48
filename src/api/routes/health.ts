import { Hono, type Context } from "hono";
import type { DegradationReport, DependencyState, StrataEnv } from "../../index.ts";
import { noQuery } from "../inputs.ts";
import type { AppServices } from "../services.ts";

/**
 * - `ok`: all dependencies work.
 * - `degraded`: a cache tier, the flight objects, the queue or telemetry fail, or a dependency is slow. Every request gets an answer.
 * - `down`: the database fails, so only cached data is served (status 503).
 */
type Status = "ok" | "degraded" | "down";

const UNCACHED = { "Cache-Control": "no-store" };

const works = (state: DependencyState): boolean => state === "up" || state === "unknown";

/**
 * The state of the isolate that answers, from its breakers and its last checks. No request waits for a
 * dependency longer than the first check of a new isolate is given (`FIRST_CHECK_MS`).
 *
 * - `/health`: the state. 503 if the database fails.
 * - `/health/live`: 200 while the Worker runs.
 * - `/health/ready`: 200 while requests should be sent here, 503 if the database fails.
 */
export function healthRoutes({ degradation }: Pick<AppServices, "degradation">): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    noQuery(c);
    const report = await degradation.report(c.var.strata.ctx);
    const body = describe(report, storesAtEdge(c));
    return c.json(body, body.status === "down" ? 503 : 200, UNCACHED);
  });

  routes.get("/live", (c) => {
    noQuery(c);
    return c.json({ status: "ok" }, 200, UNCACHED);
  });

  routes.get("/ready", async (c) => {
    noQuery(c);
    const { dependencies } = await degradation.report(c.var.strata.ctx);
    const ready = dependencies.sql.state !== "down";
    return c.json({ ready }, ready ? 200 : 503, UNCACHED);
  });

  return routes;
}

/** On workers.dev the Cache API stores nothing. The edge tier needs a domain of the Worker's own. */
function storesAtEdge(c: Context): boolean {
  return !new URL(c.req.url).hostname.endsWith(".workers.dev");
}

function describe(report: DegradationReport, edge: boolean) {
  const { level, since, measured, pin, dependencies, deliveries } = report;
  const { queue, telemetry } = deliveries;
  const { sql, redis, flight, log, limiter, session, http } = dependencies;
  const checks = {
    database: works(sql.state),
    redis: works(redis.state),
    edge,
    flights: works(flight.state),
    log: works(log.state),
    limits: works(limiter.state),
    sessions: works(session.state),
    queue: works(queue.state),
    origin: works(http.state),
    telemetry: works(telemetry.state),
  };
  const healthy = Object.values(checks).every(Boolean);
  const status: Status = sql.state === "down" ? "down" : healthy ? "ok" : "degraded";
  return {
    status,
    level,
    since: instant(since),
    ...(pin !== undefined && { pinnedUntil: instant(pin.until), measured }),
    checks,
    dependencies: {
      database: withInstant(sql),
      redis: withInstant(redis),
      flights: withInstant(flight),
      log: withInstant(log),
      limits: withInstant(limiter),
      sessions: withInstant(session),
      queue: withInstant(queue),
      origin: withInstant(http),
      telemetry: withInstant(telemetry),
    },
  };
}

function withInstant({ state, since }: DegradationReport["dependencies"]["sql"]) {
  return state === "unknown" ? { state } : { state, since: instant(since) };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
