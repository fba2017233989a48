/**
 * What travels between an isolate, which counts, and a metrics object, which keeps totals.
 * A series is `name`, NUL, the values of the metric's labels in the registry's order, each
 * after a NUL; an empty value is a label that is absent.
 */
import type { EpochMs, Millis } from "./time.ts";

/** Increments since the last report: a number, or a histogram's bucket counts and then its sum. */
export type Delta = readonly (readonly [series: string, value: number | readonly number[]])[];

/** A key and how often it was asked for; `over` is what the count may exceed the truth by. */
export type HotKey = readonly [key: string, count: number, over: number];

/** One timed step of a request, for the waterfall. */
export interface TraceStep {
  readonly name: string;
  readonly offsetMs: Millis;
  readonly ms: Millis;
  readonly outcome: string;
  readonly spanId: string;
  readonly parentId: string;
}

/** One finished request, for the waterfall. Holds no address, no header and no value. */
export interface TraceSummary {
  readonly traceId: string;
  readonly name: string;
  readonly at: EpochMs;
  readonly ms: Millis;
  readonly status: number;
  readonly cache: string;
  readonly steps: readonly TraceStep[];
}

/** What an isolate tells. A repeated sequence is a repeated report, and counts once. */
export interface MetricsReport {
  readonly isolate: string;
  readonly sequence: number;
  readonly delta: Delta;
  /** Current values of this isolate, replaced by every report. */
  readonly gauges: readonly (readonly [series: string, value: number])[];
  readonly hot: readonly HotKey[];
  readonly missed: readonly HotKey[];
  readonly traces: readonly TraceSummary[];
}

/** The totals of one object. */
export interface MetricsSnapshot {
  /** When the totals began to be counted. */
  readonly startedAt: EpochMs;
  readonly totals: Delta;
  readonly gauges: readonly (readonly [series: string, value: number])[];
  readonly hot: readonly HotKey[];
  readonly missed: readonly HotKey[];
  readonly traces: readonly TraceSummary[];
}

/** What a metrics object is made of; pure, so that it is tested without one. */
export interface MetricsTotals {
  /** False if this report was counted before. */
  apply(report: MetricsReport, now: EpochMs): boolean;
  snapshot(now: EpochMs): MetricsSnapshot;
  /** What must survive an eviction. */
  freeze(): string;
}

/** The metrics objects as everyone else sees them. */
export interface MetricsPort {
  /** Rejects if it is unknown whether the report was counted. */
  report(report: MetricsReport): Promise<void>;
  /** One snapshot per object. Rejects if one cannot be reached. */
  snapshots(): Promise<readonly MetricsSnapshot[]>;
}
