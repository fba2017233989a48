import { describe, expect, it } from "vitest";
import type { MetricsReport } from "../../src/core/metrics.ts";
import { newestRuns } from "../../src/telemetry/metrics/cron-runs.ts";
import { figuresOf } from "../../src/telemetry/metrics/dashboard-figures.ts";
import { createMeter, seriesOf } from "../../src/telemetry/metrics/meter.ts";
import { mergeSnapshots } from "../../src/telemetry/metrics/merge-snapshots.ts";
import { createTotals } from "../../src/telemetry/metrics/totals.ts";

const reportOf = (fields: Partial<MetricsReport>): MetricsReport => ({
  isolate: "a",
  sequence: 1,
  delta: [],
  gauges: [],
  hot: [],
  missed: [],
  traces: [],
  ...fields,
});

describe("the figures of the dashboard by group", () => {
  it("the dashboard has one row for each value of a label, and no row for a metric that no isolate has reported", () => {
    const meter = createMeter();
    meter.add("cache.queue.messages", 3, "view", "applied");
    meter.add("cache.queue.messages", 4, "order", "applied");
    meter.add("cache.queue.messages", 1, "order", "dead");
    const figures = figuresOf({
      totals: meter.take(),
      gauges: [[seriesOf("cache.outbox.deferred", []), 5]],
    });
    expect(figures).toEqual([
      ["Messages", "deliveries: applied", 7],
      ["Messages", "deliveries: dead", 1],
      ["Outbox", "deferred invalidations", 5],
    ]);
    expect(figuresOf({ totals: [], gauges: [] })).toEqual([]);
  });

  it("a group of the dashboard may name a metric that this version does not have", () => {
    const shown = [{ group: "Later", metric: "cache.not.yet", text: "later" }];
    expect(figuresOf({ totals: [["cache.not.yet", 1]], gauges: [] }, shown)).toEqual([]);
  });
});

describe("the last runs of cron tasks", () => {
  const runOf = (task: string, outcome: string) => {
    const meter = createMeter();
    meter.record("cache.cron.duration", 0.1, task, outcome);
    return meter.take();
  };

  it("the metrics totals keep the last outcome of each cron task and its time, over an eviction and over several metrics objects", () => {
    const totals = createTotals(undefined, 0);
    totals.apply(reportOf({ delta: runOf("relay", "failed") }), 1_000);
    totals.apply(reportOf({ sequence: 2, delta: runOf("relay", "done") }), 2_000);
    totals.apply(reportOf({ sequence: 3, delta: [["cache.joins", 1]] }), 3_000);
    const again = createTotals(totals.freeze(), 4_000);
    expect(again.snapshot(4_000).cronRuns).toEqual([["relay", "done", 2_000]]);
    const other = createTotals(undefined, 0);
    other.apply(reportOf({ delta: runOf("relay", "skipped") }), 5_000);
    const merged = mergeSnapshots([again.snapshot(6_000), other.snapshot(6_000)]);
    expect(merged.cronRuns).toEqual([["relay", "skipped", 5_000]]);
  });

  it("the last runs of at most 50 cron tasks are kept", () => {
    const runs = Array.from({ length: 80 }, (_, i) => [`task-${i}`, "done", i] as const);
    expect(newestRuns(runs)).toHaveLength(50);
  });
});
