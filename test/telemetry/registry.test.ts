import { describe, expect, it } from "vitest";
import table from "../../docs/operations/metrics.md?raw";
import { renderExposition, prometheusName } from "../../src/telemetry/metrics/exposition.ts";
import type { Metric } from "../../src/telemetry/metrics/metric.ts";
import { METRICS, type MetricName } from "../../src/telemetry/metrics/registry.ts";
import { createTelemetryApp, newNamespace } from "./support.ts";

const metrics = Object.entries(METRICS) as [MetricName, Metric][];

interface Row {
  readonly prometheus: string | undefined;
  readonly type: string | undefined;
  readonly unit: string | undefined;
  readonly labels: string | undefined;
  readonly where: string | undefined;
}

/** The rows of a documented table of metrics, by the name of the metric. */
function rowsOf(table: string): ReadonlyMap<string, Row> {
  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));
  return new Map(
    rows.map(([, name = "", prometheus, type, unit, labels, where]) => [
      name,
      { prometheus, type, unit, labels, where },
    ]),
  );
}

const documented = rowsOf(table);

/** Sources of the layer by path. The table of metrics itself emits nothing. */
const sources = new Map(
  Object.entries(
    import.meta.glob("../../src/**/*.ts", {
      query: "?raw",
      import: "default",
      eager: true,
    }),
  ).filter(([path]) => !path.endsWith("/metrics/registry.ts")),
);

const EMIT = /\b(?:meter\.(?:add|record)|seriesOf)\(\s*"([^"]+)"/g;

/** The metrics that code emits: the first argument of every call that counts or sets one. */
function emittedIn(files: ReadonlyMap<string, string>): ReadonlySet<string> {
  const calls = [...files.values()].flatMap((text) => [...text.matchAll(EMIT)]);
  return new Set(calls.map(([, name = ""]) => name));
}

function neverEmitted(rows: ReadonlyMap<string, Row>, files: ReadonlyMap<string, string>) {
  const emitted = emittedIn(files);
  return [...rows.keys()].filter((name) => !emitted.has(name));
}

describe("docs/operations/metrics.md", () => {
  it("docs/operations/metrics.md lists exactly the metrics of the registry, with their types, units and labels", () => {
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

  it("docs/operations/metrics.md lists exactly the metrics that /metrics announces", async () => {
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

  it("docs/operations/metrics.md lists exactly the metrics that the code emits", () => {
    expect(neverEmitted(documented, sources)).toEqual([]);
    expect([...emittedIn(sources)].toSorted()).toEqual([...documented.keys()].toSorted());
  });

  it("the check of emitted metrics reports each documented metric that no code emits", () => {
    const planted = "| `cache.filter.refusals` | `x` | counter | `{lookup}` | – | never |\n";
    expect(neverEmitted(rowsOf(table + planted), sources)).toEqual(["cache.filter.refusals"]);
    const deleted = new Map(
      [...sources].map(([path, text]) => [
        path,
        text.replaceAll('meter.add("cache.joins"', 'ignore("cache.joins"'),
      ]),
    );
    expect(neverEmitted(documented, deleted)).toEqual(["cache.joins"]);
  });

  it("the event recorder of telemetry handles only event types that other source files emit", () => {
    const recorder = [...sources].find(([path]) => path.endsWith("/event-recorder.ts"))?.[1] ?? "";
    const others = [...sources].filter(
      ([path]) => !/\/(event-recorder|core\/events)\.ts$/.test(path),
    );
    const handled = [...recorder.matchAll(/case "(\w+\.\w+)"/g)].map(([, type = ""]) => type);
    expect(handled.length).toBeGreaterThan(5);
    const silent = handled.filter(
      (type) => !others.some(([, text]) => text.includes(`type: "${type}"`)),
    );
    expect(silent).toEqual([]);
  });
});

describe("the registry of metrics", () => {
  it("in the registry of metrics, no name contains a unit, and the bucket bounds of each histogram increase", () => {
    for (const [name, { bounds, type }] of metrics) {
      expect(name).not.toMatch(/(total|seconds|bytes|_)$/);
      expect(bounds !== undefined).toBe(type === "histogram");
      expect(bounds?.toSorted((a, b) => a - b)).toEqual(bounds && [...bounds]);
    }
  });
});

describe("the Prometheus text format", () => {
  it("the Prometheus text output escapes label values and has cumulative histogram buckets", () => {
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
