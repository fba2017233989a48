import type { MetricsSnapshot } from "../../core/metrics.ts";
import type { Metric } from "./metric.ts";
import { readSeries } from "./read-series.ts";
import { METRICS, type MetricName } from "./registry.ts";

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The units by their UCUM code, as the names of Prometheus metrics write them. */
const UNITS: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" };

/**
 * Returns the name of a metric in Prometheus.
 *
 * @see https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 */
export function prometheusName(name: MetricName): string {
  const metric: Metric = METRICS[name];
  const unit = UNITS[metric.unit];
  const base = name.replaceAll(".", "_");
  return `${base}${unit === undefined ? "" : `_${unit}`}${metric.type === "counter" ? "_total" : ""}`;
}

/** Writes all totals in the Prometheus text format. Every metric has its help text and its type. */
export function renderExposition(
  snapshot: MetricsSnapshot,
  resource: Readonly<Record<string, string>>,
): string {
  const samples = new Map<MetricName, string[]>();
  for (const [series, value] of [...snapshot.totals, ...snapshot.gauges]) {
    const read = readSeries(series);
    if (read === null) continue;
    const { name, metric, labels } = read;
    const own = samples.get(name) ?? [];
    const text = labels.map(([label, text]) => pair(label, text));
    if (typeof value === "number") own.push(sample(prometheusName(name), text, value));
    else own.push(...histogram(prometheusName(name), metric, text, value));
    samples.set(name, own);
  }
  const lines = [
    "# HELP target_info Attributes of the resource.",
    "# TYPE target_info gauge",
    sample(
      "target_info",
      Object.entries(resource).map(([label, text]) => pair(label, text)),
      1,
    ),
  ];
  for (const [name, metric] of Object.entries(METRICS) as [MetricName, Metric][]) {
    const exposed = prometheusName(name);
    lines.push(`# HELP ${exposed} ${metric.description}`, `# TYPE ${exposed} ${metric.type}`);
    lines.push(...(samples.get(name)?.toSorted(byLabels) ?? []));
  }
  return `${lines.join("\n")}\n`;
}

/** Compares two samples by their labels without `le`, so that buckets stay in the order of their bounds. */
function byLabels(a: string, b: string): number {
  const left = labelsOf(a);
  const right = labelsOf(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

const labelsOf = (line: string): string =>
  line
    .replace(/^[^{ ]*/, "")
    .replace(/,?le="[^"]*"/, "")
    .replace(/ .*$/, "");

function histogram(
  name: string,
  { bounds = [] }: Metric,
  labels: readonly string[],
  cells: readonly number[],
): string[] {
  let count = 0;
  const lines = bounds.map((bound, i) => {
    count += cells[i] ?? 0;
    return sample(`${name}_bucket`, [...labels, pair("le", String(bound))], count);
  });
  count += cells[bounds.length] ?? 0;
  lines.push(
    sample(`${name}_bucket`, [...labels, pair("le", "+Inf")], count),
    sample(`${name}_sum`, labels, cells[bounds.length + 1] ?? 0),
    sample(`${name}_count`, labels, count),
  );
  return lines;
}

function sample(name: string, labels: readonly string[], value: number): string {
  return labels.length === 0 ? `${name} ${value}` : `${name}{${labels.join(",")}} ${value}`;
}

function pair(label: string, value: string): string {
  const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `${label.replaceAll(/[^a-zA-Z0-9_]/g, "_")}="${escaped}"`;
}
