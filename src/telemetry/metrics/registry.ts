/** All metrics. The tables of this folder define each once. */
import type { Metric } from "./metric.ts";
import { READ_METRICS } from "./read-metrics.ts";
import { REDIS_METRICS } from "./redis-metrics.ts";
import { SERVICE_METRICS } from "./service-metrics.ts";

export const METRICS = { ...READ_METRICS, ...SERVICE_METRICS, ...REDIS_METRICS };

export type MetricName = keyof typeof METRICS;
export type NameOf<T extends Metric["type"]> = {
  [N in MetricName]: (typeof METRICS)[N]["type"] extends T ? N : never;
}[MetricName];
