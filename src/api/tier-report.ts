import type { TierReport } from "../index.ts";

/** Describes the entry that a tier holds, without its body. */
export function describeTier(report: TierReport, now: number) {
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
