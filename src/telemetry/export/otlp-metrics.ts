import { ValueType, type Attributes } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { MetricsSnapshot } from "../../core/metrics.ts";
import type { EpochMs } from "../../core/time.ts";
import type { Metric } from "../metrics/metric.ts";
import { readSeries } from "../metrics/read-series.ts";
import { METRICS, type MetricName } from "../metrics/registry.ts";
import { hrTime, SCOPE } from "../traces/spans.ts";

/**
 * Returns the totals of one metrics object as cumulative OTLP metrics. `instance` becomes
 * `service.instance.id`, so that no other object writes the same series.
 */
export function resourceMetricsOf(
  snapshot: MetricsSnapshot,
  resource: Readonly<Record<string, string>>,
  instance: string,
  now: EpochMs,
): ResourceMetrics {
  const points = new Map<MetricName, DataPoint<number | readonly number[]>[]>();
  for (const [series, value] of [...snapshot.totals, ...snapshot.gauges]) {
    const read = readSeries(series);
    if (read === null) continue;
    const own = points.get(read.name) ?? [];
    own.push({
      attributes: Object.fromEntries(read.labels.map(attributeOf)),
      startTime: hrTime(snapshot.startedAt),
      endTime: hrTime(now),
      value,
    });
    points.set(read.name, own);
  }
  return {
    resource: resourceFromAttributes({ ...resource, "service.instance.id": instance }),
    scopeMetrics: [
      { scope: SCOPE, metrics: [...points].map(([name, own]) => metricOf(name, own)) },
    ],
  };
}

/** Converts a label to an attribute. By the semantic conventions a status code is a number and a flag is a boolean. */
function attributeOf([label, value]: readonly [string, string]): [string, Attributes[string]] {
  if (label === "http.response.status_code") return [label, Number(value)];
  return [label, value === "true" ? true : value];
}

function metricOf(
  name: MetricName,
  points: readonly DataPoint<number | readonly number[]>[],
): MetricData {
  const metric: Metric = METRICS[name];
  const { description, unit } = metric;
  const temporality = { aggregationTemporality: AggregationTemporality.CUMULATIVE };
  const descriptor = { name, description, unit };
  const numbers = () => ({
    ...temporality,
    descriptor: { ...descriptor, valueType: ValueType.INT },
    dataPoints: points.map((point) => ({ ...point, value: Number(point.value) })),
  });
  switch (metric.type) {
    case "counter":
      return { ...numbers(), dataPointType: DataPointType.SUM, isMonotonic: true };
    case "gauge":
      return { ...numbers(), dataPointType: DataPointType.GAUGE };
    case "histogram":
      return {
        ...temporality,
        descriptor: { ...descriptor, valueType: ValueType.DOUBLE },
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: points.map((point) => ({ ...point, value: histogram(metric, point.value) })),
      };
  }
}

function histogram({ bounds = [] }: Metric, value: number | readonly number[]): Histogram {
  const cells = typeof value === "number" ? [value] : value;
  const counts = [...cells.slice(0, bounds.length + 1)];
  return {
    buckets: { boundaries: [...bounds], counts },
    count: counts.reduce((total, count) => total + count, 0),
    sum: cells[bounds.length + 1] ?? 0,
  };
}
