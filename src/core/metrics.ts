/**
 * The messages between an isolate and a metrics object. An isolate reports increments, and a
 * metrics object keeps totals. The name of a series is the metric's name and the values of its
 * labels, in the order of the registry, separated by NUL. An empty value means that the series
 * lacks the label.
 */
import type { TrafficSketch } from "./traffic.ts";
import type { BreakerName } from "./breaker.ts";
import type { DegradationLevel } from "./degradation-level.ts";
import type { EpochMs, Millis } from "./time.ts";

/**
 * The increments since the last report: a number for a counter, or the counts of the buckets and
 * then the sum for a histogram.
 */
export type Delta = readonly (readonly [series: string, value: number | readonly number[]])[];

/**
 * A key and an estimate of how often it was read. The exact number of reads is between
 * `count - over` and `count`.
 */
export type HotKey = readonly [key: string, count: number, over: number];

/** One timed step of a request, for the dashboard's waterfall. */
export interface TraceStep {
  /** The name of the step, as in `Server-Timing`. */
  readonly name: string;
  /** The time from the start of the request to the start of the step. */
  readonly offsetMs: Millis;
  /** The duration of the step. */
  readonly ms: Millis;
  /** `ok`, or the code of a fault. */
  readonly outcome: string;
  /** The id of the span, 16 hexadecimal digits. */
  readonly spanId: string;
  /** The id of the span in which the step ran. */
  readonly parentId: string;
}

/** One finished request, for the dashboard's waterfall. It contains no address, no header and no value. */
export interface TraceSummary {
  /** The id of the trace, 32 hexadecimal digits. */
  readonly traceId: string;
  /** The method and the route: `GET /products/:id`. */
  readonly name: string;
  /** The start of the request, in milliseconds since the epoch. */
  readonly at: EpochMs;
  /** The duration of the request until its response. */
  readonly ms: Millis;
  /** The status code of the response. */
  readonly status: number;
  /** The value of `X-Cache-Status`, or "" for a response without one. */
  readonly cache: string;
  /** The timed steps of the request. */
  readonly steps: readonly TraceStep[];
}

/** One change of the level of an isolate, for the dashboard's timeline. */
export interface LevelChange {
  readonly at: EpochMs;
  readonly from: DegradationLevel;
  readonly to: DegradationLevel;
  readonly cause: string;
}

/** The last run of a task of the cron trigger: when its report came, and how the run ended. */
export type CronRun = readonly [task: string, outcome: string, at: EpochMs];

/** In how many isolates something is in a state, and since when in the first of them. */
export type StateCount = readonly [
  name: BreakerName | "level",
  state: string,
  isolates: number,
  since: EpochMs,
];

/** The parts of a report and of a snapshot that are not increments or totals. */
interface Samples {
  /** The states of the dependencies and of the level: one line for each state that an isolate reported. */
  readonly states?: readonly StateCount[];
  /** The newest changes of the level. An isolate or an object of an earlier version sends neither. */
  readonly levelChanges?: readonly LevelChange[];
  /** The current values of the gauges, not increments. */
  readonly gauges: readonly (readonly [series: string, value: number])[];
  /** The most frequently read keys. */
  readonly hot: readonly HotKey[];
  /** The keys with the most misses. */
  readonly missed: readonly HotKey[];
  /** The newest finished requests. */
  readonly traces: readonly TraceSummary[];
}

/** A report of one isolate. If two reports have the same isolate and sequence, only the first is added. */
export interface MetricsReport extends Samples {
  /** The random id of the isolate. */
  readonly isolate: string;
  /** The number of the report among those of the isolate. */
  readonly sequence: number;
  /** The increments since the last report. */
  readonly delta: Delta;
  /** The gauges hold for this time, unless a newer report replaces them. Default: 1 minute. */
  readonly gaugesHoldMs?: Millis;
  /** The recorded reads of the isolate. Most reports have none, because it is large. */
  readonly traffic?: TrafficSketch;
}

/** The totals of one metrics object. */
export interface MetricsSnapshot extends Samples {
  /** The instant at which this object began to add up reports. */
  readonly startedAt: EpochMs;
  /** The sums of all reports since `startedAt`. */
  readonly totals: Delta;
  /** The last run of each task. An object of an earlier version sends none. */
  readonly cronRuns?: readonly CronRun[];
}

/** The figures of one step of the history. A step is 15 s long. */
export interface HistoryStep {
  /** The start of the step, a multiple of its length. */
  readonly at: EpochMs;
  /** The worst level that an isolate reported in the step. */
  readonly level: DegradationLevel;
  /** The increments of the step, in the order of `HISTORY_FIELDS` and then the buckets of latency. */
  readonly figures: readonly number[];
}

/** The state of a metrics object. It has no I/O, so that tests need no Durable Object. */
export interface MetricsTotals {
  /** Adds a report to the totals and to the history. Returns false if the report was added before. */
  apply(report: MetricsReport, now: EpochMs): boolean;
  snapshot(now: EpochMs): MetricsSnapshot;
  /** Returns the steps of the last hour, the oldest first. A step without reports is left out. */
  history(now: EpochMs): readonly HistoryStep[];
  /** Returns the newest sketches of traffic of the isolates. */
  sketches(now: EpochMs): readonly TrafficSketch[];
  /** Returns the steps that have ended since the last call. They do not change again. */
  takeEnded(): readonly HistoryStep[];
  /** Returns the state as a text that can be stored. */
  freeze(): string;
}

/** The functions of the metrics objects that an isolate calls. */
export interface MetricsPort {
  /** Sends a report. Rejects if the report may not have been added. */
  report(report: MetricsReport): Promise<void>;
  /** Returns one snapshot for each object. Rejects if an object cannot be reached. */
  snapshots(): Promise<readonly MetricsSnapshot[]>;
  /** Returns the history of each object. Rejects if an object cannot be reached. */
  histories(): Promise<readonly (readonly HistoryStep[])[]>;
  /** Returns the sketches of traffic that each object keeps. Rejects if an object cannot be reached. */
  sketches(): Promise<readonly (readonly TrafficSketch[])[]>;
}
