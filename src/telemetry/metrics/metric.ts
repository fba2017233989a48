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

/** The buckets in seconds that the semantic conventions advise for http.server.request.duration. */
export const HTTP_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;
