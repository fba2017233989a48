import type { DegradationReport } from "../../core/degradation.ts";
import type { BreakerName, BreakerReport } from "../../core/breaker.ts";
import type { LevelChange, MetricsPort, MetricsReport, StateCount } from "../../core/metrics.ts";
import type { SlotStats } from "../../core/origin-slots.ts";
import type { Clock, EpochMs } from "../../core/time.ts";
import type { TrafficSketch } from "../../core/traffic.ts";
import { seriesOf, type Meter, type TopKeys } from "./meter.ts";
import type { TracedRecord } from "../traces/request-record.ts";
import { traceSummary } from "../traces/trace-summary.ts";

/** The state of the memory tier. */
export interface MemoryStats {
  readonly entries: number;
  readonly bytes: number;
  /** Entries evicted since the isolate began. */
  readonly evictions: number;
}

type CountedKeys = Pick<TopKeys, "list" | "clear">;

export interface ReporterOptions {
  readonly port: Pick<MetricsPort, "report">;
  readonly meter: Meter;
  readonly hot: CountedKeys;
  readonly missed: CountedKeys;
  readonly formatKey: (key: string) => string;
  readonly isolate: string;
  readonly now: Clock;
  readonly memory: () => MemoryStats;
  /** The level of this isolate, and the states of its dependencies. */
  readonly health: () => DegradationReport;
  readonly breakers: Readonly<Record<BreakerName, BreakerReport>>;
  /** The slots for loads and writes. */
  readonly slots: () => SlotStats;
  /** Returns the recorded reads of this isolate. */
  readonly sketch: () => TrafficSketch;
  /** Called at the end of each report. */
  readonly onReport: (succeeded: boolean) => void;
}

export interface Reporter {
  /** Sends everything that was counted since the last report. Never rejects. */
  run(): Promise<void>;
  readonly empty: boolean;
  /** Adds a finished request for the dashboard's waterfall. A report has the last 10 requests. */
  addTrace(record: TracedRecord): void;
  /** Adds a change of the level for the dashboard's timeline. */
  addLevelChange(change: LevelChange): void;
  /** Notes how many rows of the outbox a run of the relay has left without a number. */
  noteDeferred(rows: number): void;
}

/** A report without an answer after this long is sent again, because the platform has probably ended its request. */
const ANSWER_MS = 10_000;
const MAX_TRACES = 10;
const MAX_LEVEL_CHANGES = 10;
const MAX_KEYS = 30;
/**
 * Another isolate may run the relay next. The count of this one is left out after this time, since
 * the metrics objects add up the isolates.
 */
const DEFERRED_LIFE_MS = 60_000;
/** The time between two reports with the recorded reads. */
const SKETCH_EVERY_MS = 60_000;

/**
 * Sends the metrics of this isolate to its metrics object, one report at a time. A report that may
 * have been lost is sent again unchanged, with the same sequence number.
 */
export function createReporter(options: ReporterOptions): Reporter {
  const { port, meter, hot, missed, formatKey, isolate, now, memory } = options;
  const { health, breakers, slots, sketch, onReport } = options;
  let sequence = 0;
  let unanswered: MetricsReport | undefined;
  let sentAt: EpochMs = Number.NEGATIVE_INFINITY;
  let sending = false;
  let evictions = 0;
  let traced: TracedRecord[] = [];
  let levelChanges: LevelChange[] = [];
  let sketchedAt: EpochMs = Number.NEGATIVE_INFINITY;
  let deferred: { readonly rows: number; readonly at: EpochMs } | undefined;

  const keysOf = (keys: CountedKeys) =>
    keys.list(MAX_KEYS).map(([key, count, over]) => [formatKey(key), count, over] as const);

  /** Returns the recorded reads if they are due. */
  function dueSketch(): Pick<MetricsReport, "traffic"> {
    if (now() - sketchedAt < SKETCH_EVERY_MS) return {};
    sketchedAt = now();
    return { traffic: sketch() };
  }

  function nextReport(): MetricsReport {
    const stats = memory();
    if (stats.evictions > evictions)
      meter.add("cache.memory.evictions", stats.evictions - evictions);
    evictions = stats.evictions;
    meter.add("cache.durable_object.calls", 1, "report");
    const states = statesOf(health());
    const { limit, running, waiting } = slots();
    const report: MetricsReport = {
      isolate,
      sequence: ++sequence,
      delta: meter.take(),
      gauges: [
        [seriesOf("cache.memory.usage", []), stats.bytes],
        [seriesOf("cache.memory.entries", []), stats.entries],
        ...states.map(([name, state]) =>
          name === "level"
            ? ([seriesOf("cache.level.isolates", [state]), 1] as const)
            : ([seriesOf("cache.dependency.isolates", [name, state]), 1] as const),
        ),
        ...Object.entries(breakers).map(
          ([name, breaker]) =>
            [
              seriesOf("cache.breaker.open", [name]),
              Number(breaker.status().state !== "closed"),
            ] as const,
        ),
        [seriesOf("cache.origin.limit", []), limit],
        [seriesOf("cache.origin.running", []), running],
        [seriesOf("cache.origin.waiting", []), waiting],
        ...(deferred !== undefined && now() - deferred.at < DEFERRED_LIFE_MS
          ? [[seriesOf("cache.outbox.deferred", []), deferred.rows] as const]
          : []),
      ],
      hot: keysOf(hot),
      missed: keysOf(missed),
      traces: traced.map(traceSummary),
      states,
      levelChanges,
      ...dueSketch(),
    };
    levelChanges = [];
    hot.clear();
    missed.clear();
    traced = [];
    return report;
  }

  return {
    async run() {
      if (sending && now() - sentAt < ANSWER_MS) return;
      unanswered ??= nextReport();
      const report = unanswered;
      sending = true;
      sentAt = now();
      try {
        await port.report(report);
        if (unanswered === report) unanswered = undefined;
        onReport(true);
      } catch {
        onReport(false);
        // The next run sends the report again. Its sequence number prevents the object from
        // counting it twice.
      } finally {
        sending = false;
      }
    },

    get empty() {
      return meter.empty && unanswered === undefined;
    },

    addTrace(record) {
      traced.push(record);
      if (traced.length > MAX_TRACES) traced.shift();
    },

    addLevelChange(change) {
      levelChanges.push(change);
      if (levelChanges.length > MAX_LEVEL_CHANGES) levelChanges.shift();
    },

    noteDeferred: (rows) => void (deferred = { rows, at: now() }),
  };
}

function statesOf({ level, since, dependencies }: DegradationReport): readonly StateCount[] {
  const names = Object.keys(dependencies) as (keyof typeof dependencies)[];
  return [
    ["level", level, 1, since],
    ...names.map((name): StateCount => {
      const { state, since: from } = dependencies[name];
      return [name, state, 1, from];
    }),
  ];
}
