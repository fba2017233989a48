import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { MetricsReport } from "../../src/core/metrics.ts";
import { createMetricsShard } from "../../src/durable/metrics-shard.ts";
import { HISTORY_FIELDS, MAX_STEPS, STEP_MS } from "../../src/telemetry/metrics/history.ts";
import { createTotals } from "../../src/telemetry/metrics/totals.ts";
import type { MetricsShardRpc } from "../../src/durable/metrics-shard.ts";

const objects = (env as unknown as { METRICS: DurableObjectNamespace }).METRICS;

const reportOf = (sequence: number): MetricsReport => ({
  isolate: "a",
  sequence,
  delta: [["cache.origin.loads\0stored", 2]],
  gauges: [],
  hot: [],
  missed: [],
  traces: [],
});

const LOADS = HISTORY_FIELDS.indexOf("loads");

describe("the history of a metrics object", () => {
  it("the metrics Durable Object has its history after an eviction", async () => {
    const stub = objects.get(objects.idFromName(crypto.randomUUID()));
    const rpc = stub as unknown as MetricsShardRpc;
    await rpc.report(reportOf(1));
    await rpc.report(reportOf(2));
    await evictDurableObject(stub);
    const steps = await rpc.history();
    // The two reports may stand in two steps.
    expect(steps.reduce((sum, { figures }) => sum + (figures[LOADS] ?? 0), 0)).toBe(4);
  });

  it("the metrics Durable Object stores at most the steps of one hour, as one row for each step", async () => {
    const stub = objects.get(objects.idFromName(crypto.randomUUID()));
    await runInDurableObject(stub, async (_instance, state) => {
      let at = 0;
      const Shard = createMetricsShard({
        now: () => at,
        createTotals,
        createPush: () => undefined,
        commitMs: 0,
      });
      const shard = new Shard(state, {});
      const count = MAX_STEPS + 20;
      for (let step = 0; step < count; step++) {
        at = step * STEP_MS;
        await shard.report(reportOf(step));
      }
      const rows = state.storage.sql.exec<{ at: number }>("SELECT at FROM history").toArray();
      expect(rows.length).toBeLessThanOrEqual(MAX_STEPS);
      const again = await new Shard(state, {}).history();
      expect(again).toHaveLength(MAX_STEPS);
      expect(again.at(-1)?.at).toBe((count - 1) * STEP_MS);
    });
  });
});
