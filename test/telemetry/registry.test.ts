import { describe, expect, it } from "vitest";
import table from "../../docs/operations/metrics.md?raw";
import { renderExposition, prometheusName } from "../../src/telemetry/metrics/exposition.ts";
import { METRICS, type Metric, type MetricName } from "../../src/telemetry/metrics/registry.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

const metrics = Object.entries(METRICS) as [MetricName, Metric][];

/** The rows of the documented table, by name. */
const documented = new Map(
  table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")))
    .map(([, name = "", prometheus, type, unit, labels, where]) => [
      name,
      { prometheus, type, unit, labels, where },
    ]),
);

describe("the table of metrics", () => {
  it("is what the registry says, no more and no less", () => {
    expect([...documented.keys()]).toEqual(metrics.map(([name]) => name));
    for (const [name, { type, unit, labels, where }] of metrics)
      expect(documented.get(name), name).toEqual({
        prometheus: prometheusName(name),
        type,
        unit,
        labels: labels.join(", ") || "–",
        where,
      });
  });

  it("is what /metrics announces", async () => {
    const { layer, get } = createTelemetryApp(newNamespace(), () => undefined);
    await get("/nothing");
    const exposition = await layer.metrics.exposition();
    const announced = [...(exposition?.body.matchAll(/^# TYPE (\S+) (\S+)$/gm) ?? [])]
      .map(([, name, type]) => `${name} ${type}`)
      .filter((line) => !line.startsWith("target_info"));
    expect(announced).toEqual(
      [...documented.values()].map(({ prometheus, type }) => `${prometheus} ${type}`),
    );
  });

  it("has no unit in a name, and buckets that rise", () => {
    for (const [name, { bounds, type }] of metrics) {
      expect(name).not.toMatch(/(total|seconds|bytes|_)$/);
      expect(bounds !== undefined).toBe(type === "histogram");
      expect(bounds?.toSorted((a, b) => a - b)).toEqual(bounds && [...bounds]);
    }
  });
});

describe("the text format", () => {
  it("escapes labels, and adds buckets up", () => {
    const body = renderExposition(
      {
        startedAt: 0,
        totals: [
          ['cache.faults\0redis\0a"b\\c\nd', 2],
          ["cache.purge.lag", [1, 0, 2, 0, 0, 0, 0, 0, 0, 1, 61.5]],
        ],
        gauges: [],
        hot: [],
        missed: [],
        traces: [],
      },
      { "service.name": "s" },
    );
    expect(body).toContain(
      String.raw`cache_faults_total{cache_dependency="redis",error_type="a\"b\\c\nd"} 2`,
    );
    expect(body).toContain('cache_purge_lag_seconds_bucket{le="0.05"} 1\n');
    expect(body).toContain('cache_purge_lag_seconds_bucket{le="60"} 3\n');
    expect(body).toContain('cache_purge_lag_seconds_bucket{le="+Inf"} 4\n');
    expect(body).toContain("cache_purge_lag_seconds_sum 61.5\ncache_purge_lag_seconds_count 4\n");
  });
});
