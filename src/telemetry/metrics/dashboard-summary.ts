import type {
  CronRun,
  HotKey,
  LevelChange,
  MetricsSnapshot,
  StateCount,
  TraceSummary,
} from "../../core/metrics.ts";
import type { EpochMs } from "../../core/time.ts";
import { figuresOf, type Figure } from "./dashboard-figures.ts";
import { readSeries } from "./read-series.ts";
import { METRICS, type MetricName } from "./registry.ts";

export interface Buckets {
  readonly bounds: readonly number[];
  /** The number of values in each bucket. The last bucket has the values above all bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** The dashboard lists this many frequently read keys. */
const SHOWN_KEYS = 20;

type Counts = Readonly<Record<string, number>>;

/** The totals that the dashboard shows. The dashboard computes rates from two summaries. */
export interface Summary {
  readonly at: EpochMs;
  readonly startedAt: EpochMs;
  readonly responses: Counts;
  readonly latency: Buckets;
  readonly lookups: Counts;
  readonly negatives: number;
  readonly stale: Counts;
  readonly loads: Counts;
  /** The durations of loads, in seconds. */
  readonly loadCost: Buckets;
  readonly refreshes: number;
  readonly redisCommands: number;
  readonly sqlQueries: number;
  readonly durableCalls: number;
  readonly ratelimit: Counts;
  readonly faults: Counts;
  readonly rejections: Counts;
  readonly purges: Counts;
  readonly purgeLag: Buckets;
  readonly dropped: Counts;
  readonly memoryBytes: number;
  readonly memoryEntries: number;
  readonly evictions: number;
  readonly hot: readonly HotKey[];
  readonly missed: readonly HotKey[];
  readonly traces: readonly TraceSummary[];
  readonly states: readonly StateCount[];
  readonly levelChanges: readonly LevelChange[];
  readonly figures: readonly Figure[];
  readonly cronRuns: readonly CronRun[];
}

/** Reduces a snapshot of all metrics to the totals that the dashboard shows. */
export function summarize(snapshot: MetricsSnapshot, at: EpochMs): Summary {
  const series = [...snapshot.totals, ...snapshot.gauges].flatMap(([name, value]) => {
    const read = readSeries(name);
    return read === null ? [] : [{ name: read.name, labels: new Map(read.labels), value }];
  });
  const seriesOf = (name: MetricName) => series.filter((one) => one.name === name);
  const total = (name: MetricName): number =>
    seriesOf(name).reduce((sum, { value }) => sum + (typeof value === "number" ? value : 0), 0);

  function by(name: MetricName, label: string): Counts {
    const counts: Record<string, number> = {};
    for (const { labels, value } of seriesOf(name)) {
      const key = labels.get(label) ?? "";
      const count =
        typeof value === "number" ? value : value.slice(0, -1).reduce((a, b) => a + b, 0);
      counts[key] = (counts[key] ?? 0) + count;
    }
    return counts;
  }

  function buckets(
    name: "http.server.request.duration" | "cache.origin.load.duration" | "cache.purge.lag",
  ): Buckets {
    const { bounds } = METRICS[name];
    const cells = Array.from({ length: bounds.length + 2 }, () => 0);
    for (const { value } of seriesOf(name))
      if (typeof value !== "number")
        for (const [i, cell] of value.entries()) cells[i] = (cells[i] ?? 0) + cell;
    return { bounds, counts: cells.slice(0, -1), sum: cells.at(-1) ?? 0 };
  }

  return {
    at,
    startedAt: snapshot.startedAt,
    responses: by("http.server.request.duration", "http.response.status_code"),
    latency: buckets("http.server.request.duration"),
    lookups: by("cache.lookups", "cache.status"),
    negatives: total("cache.negative.hits"),
    stale: by("cache.stale", "cache.reason"),
    loads: by("cache.origin.loads", "cache.outcome"),
    loadCost: buckets("cache.origin.load.duration"),
    refreshes: total("cache.refreshes"),
    redisCommands: total("cache.redis.commands"),
    sqlQueries: total("cache.sql.queries"),
    durableCalls: total("cache.durable_object.calls"),
    ratelimit: by("cache.ratelimit.decisions", "cache.decision"),
    faults: by("cache.faults", "error.type"),
    rejections: by("cache.rejections", "cache.reason"),
    purges: by("cache.purges", "cache.outcome"),
    purgeLag: buckets("cache.purge.lag"),
    dropped: by("telemetry.dropped", "telemetry.reason"),
    memoryBytes: total("cache.memory.usage"),
    memoryEntries: total("cache.memory.entries"),
    evictions: total("cache.memory.evictions"),
    hot: snapshot.hot.slice(0, SHOWN_KEYS),
    missed: snapshot.missed,
    traces: snapshot.traces.slice(-30),
    states: snapshot.states ?? [],
    levelChanges: snapshot.levelChanges?.slice(-20) ?? [],
    figures: figuresOf(snapshot),
    cronRuns: snapshot.cronRuns ?? [],
  };
}
