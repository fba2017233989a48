import { Hono } from "hono";
import { DefinitionError, type Inspect, type StrataEnv, type TierReport } from "../../index.ts";
import { keyOf } from "../admin-inputs.ts";
import { auditAction } from "../admin.ts";
import { invalid } from "../inputs.ts";

/** `GET /admin/entry?key=`: reports the entry that each tier holds under a key, without its body. */
export function entryRoutes(inspect: Inspect): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    const key = keyOf(c);
    auditAction(c, undefined, [["key", key]]);
    try {
      const now = c.var.strata.ctx.now();
      const reports = await inspect(key, c.var.strata.ctx);
      const tiers = reports.map((report) => describe(report, now));
      return c.json({ key, tiers }, 200, { "Cache-Control": "no-store" });
    } catch (error) {
      if (error instanceof DefinitionError)
        throw invalid([{ field: "key", detail: error.problem }]);
      throw error;
    }
  });

  return routes;
}

function describe(report: TierReport, now: number) {
  if (report.state === "absent") return { tier: report.tier, state: "absent" };
  if (report.state === "failed")
    return { tier: report.tier, state: "failed", fault: report.fault.code };
  const { entry, verdict, tier } = report;
  return {
    tier,
    state: "held",
    verdict,
    kind: entry.kind,
    ageSeconds: Math.max(0, Math.round((now - entry.storedAt) / 1000)),
    freshForSeconds: Math.round((entry.freshUntil - now) / 1000),
    deletedInSeconds: Math.round((entry.deleteAt - now) / 1000),
    tags: entry.invalidationKeys
      .filter((invalidationKey) => invalidationKey.startsWith("t:"))
      .map((tag) => tag.slice(2)),
    asOf: entry.asOf,
    era: entry.era,
    size: entry.body.length,
    etag: entry.etag,
    loadCostMs: entry.loadCost,
    ...(entry.http !== undefined && { status: entry.http.status }),
  };
}
