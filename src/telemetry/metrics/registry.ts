/** All metrics. The tables of this folder define each once. */
import type { Metric } from "./metric.ts";
import { READ_METRICS } from "./read-metrics.ts";
import { SERVICE_METRICS } from "./service-metrics.ts";

export const METRICS = { ...READ_METRICS, ...SERVICE_METRICS };

export type MetricName = keyof typeof METRICS;
export type NameOf<T extends Metric["type"]> = {
  [N in MetricName]: (typeof METRICS)[N]["type"] extends T ? N : never;
}[MetricName];

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
