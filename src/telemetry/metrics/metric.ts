/**
 * A metric. Its name, unit, labels and buckets are defined only in the tables beside this file. A test compares this table
 * with `docs/operations/metrics.md`, and with the calls that emit metrics.
 */
export interface Metric {
  readonly type: "counter" | "histogram" | "gauge";
  /** The unit in UCUM, as OpenTelemetry requires. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly description: string;
  /** Upper bounds of a histogram's buckets, inclusive. */
  readonly bounds?: readonly number[];
  /** The event at which the metric is emitted. */
  readonly where: string;
}
