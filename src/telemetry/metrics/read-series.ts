import type { Metric } from "./metric.ts";
import { METRICS, type MetricName } from "./registry.ts";

/** Parses the name of a series into its metric and its labels. Null if the metric is unknown. */
export function readSeries(series: string): {
  readonly name: MetricName;
  readonly metric: Metric;
  readonly labels: readonly (readonly [label: string, value: string])[];
} | null {
  const [name = "", ...values] = series.split("\0");
  if (!Object.hasOwn(METRICS, name)) return null;
  const metric: Metric = METRICS[name as MetricName];
  const labels = metric.labels.flatMap((label, i) =>
    values[i] ? [[label, values[i]] as const] : [],
  );
  return { name: name as MetricName, metric, labels };
}
