/**
 * The messages between an isolate, which counts, and a metrics object, which keeps totals.
 * The name of a series is the metric's name and the values of its labels, in the registry's order,
 * separated by NUL. An empty value means that the label is absent.
 */
import type { EpochMs, Millis } from "./time.ts";

/** Increments since the last report: a number for a counter; the bucket counts and then the sum for a histogram. */
export type Delta = readonly (readonly [series: string, value: number | readonly number[]])[];

/** A key and how often it was read. The true count is between `count - over` and `count`. */
export type HotKey = readonly [key: string, count: number, over: number];

/** One timed step of a request, for the dashboard's waterfall. */
export interface TraceStep {
  readonly name: string;
  readonly offsetMs: Millis;
  readonly ms: Millis;
  readonly outcome: string;
  readonly spanId: string;
  readonly parentId: string;
}

/** One finished request, for the dashboard's waterfall. Holds no address, no header and no value. */
export interface TraceSummary {
  readonly traceId: string;
  readonly name: string;
  readonly at: EpochMs;
  readonly ms: Millis;
  readonly status: number;
  readonly cache: string;
  readonly steps: readonly TraceStep[];
}

/** The parts of a report and of a snapshot beside the counts. */
interface Samples {
  /** Current values, not increments. */
  readonly gauges: readonly (readonly [series: string, value: number])[];
  /** The most frequently read keys. */
  readonly hot: readonly HotKey[];
  /** The keys with the most misses. */
  readonly missed: readonly HotKey[];
  readonly traces: readonly TraceSummary[];
}

/** A report of one isolate. Reports with the same isolate and sequence count once. */
export interface MetricsReport extends Samples {
  readonly isolate: string;
  readonly sequence: number;
  readonly delta: Delta;
}

/** The totals of one metrics object. */
export interface MetricsSnapshot extends Samples {
  /** When this object began to count. */
  readonly startedAt: EpochMs;
  readonly totals: Delta;
}

/** The state of a metrics object, without I/O so that tests need no Durable Object. */
export interface MetricsTotals {
  /** Adds a report. Returns false if it was counted before. */
  apply(report: MetricsReport, now: EpochMs): boolean;
  snapshot(now: EpochMs): MetricsSnapshot;
  /** The state as a text, to be stored. */
  freeze(): string;
}

/** The metrics objects as an isolate sees them. */
export interface MetricsPort {
  /** Rejects if the report may not have been counted. */
  report(report: MetricsReport): Promise<void>;
  /** One snapshot for each object. Rejects if one cannot be reached. */
  snapshots(): Promise<readonly MetricsSnapshot[]>;
}
