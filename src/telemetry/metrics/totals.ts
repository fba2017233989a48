import type {
  CronRun,
  Delta,
  HistoryStep,
  HotKey,
  LevelChange,
  MetricsReport,
  MetricsTotals,
  StateCount,
  TraceSummary,
} from "../../core/metrics.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import { withRunsOf } from "./cron-runs.ts";
import { createHistory } from "./history.ts";
import { createTopKeys, type TopKeys } from "./meter.ts";
import { createKeptSketches } from "../traffic/kept-sketches.ts";

/** The states of an isolate, and its gauges by default, are deleted when it has sent no report for this long. */
const GAUGE_LIFE_MS = 60_000;
/** The sequence number of an isolate is deleted after this long. No isolate repeats a report so late. */
const SEQUENCE_LIFE_MS = 3_600_000;
const MAX_TRACES = 60;
const MAX_LEVEL_CHANGES = 50;
const TOP_KEYS = 200;
/** A snapshot lists this many frequently read keys, so that a warm-up can load them. */
export const LISTED_HOT_KEYS = 200;
export const LISTED_MISSED_KEYS = 20;
/** The most series that one metrics object keeps. */
const MAX_SERIES = 10_000;

interface Isolate {
  sequence: number;
  at: EpochMs;
}

interface HeldGauges {
  readonly values: MetricsReport["gauges"];
  readonly holdMs: Millis;
}

interface Frozen {
  readonly v: 1;
  readonly startedAt: EpochMs;
  readonly series: Delta;
  readonly isolates: readonly (readonly [string, Isolate])[];
  /** The step of the history that has not ended. An object of an earlier version has stored none. */
  readonly openStep?: HistoryStep | undefined;
  readonly cronRuns?: readonly CronRun[];
}

/**
 * Creates the totals of one metrics object. They begin with the text that `freeze` returned, or at
 * zero without a text. `steps` are the ended steps of the history, the oldest first.
 */
export function createTotals(
  frozen: string | undefined,
  now: EpochMs,
  steps?: readonly HistoryStep[],
): MetricsTotals {
  const saved = frozen === undefined ? undefined : (JSON.parse(frozen) as Frozen);
  const startedAt = saved?.startedAt ?? now;
  const series: SeriesTotals = new Map();
  addDelta(series, saved?.series ?? []);
  const isolates = new Map<string, Isolate>(saved?.isolates);
  const gauges = new Map<string, HeldGauges>();
  const states = new Map<string, readonly StateCount[]>();
  let levelChanges: LevelChange[] = [];
  const hot = createTopKeys(TOP_KEYS);
  const missed = createTopKeys(TOP_KEYS);
  let traces: TraceSummary[] = [];
  let cronRuns = saved?.cronRuns ?? [];
  const sketches = createKeptSketches();
  const history = createHistory(steps, saved?.openStep);

  function dropSilent(now: EpochMs): void {
    for (const [name, { at }] of isolates) {
      if (now - at > SEQUENCE_LIFE_MS) isolates.delete(name);
      if (now - at > (gauges.get(name)?.holdMs ?? 0)) gauges.delete(name);
      if (now - at > GAUGE_LIFE_MS) states.delete(name);
    }
  }

  return {
    apply(report, now) {
      const { isolate, sequence } = report;
      const last = isolates.get(isolate);
      if (last !== undefined && sequence <= last.sequence) return false;
      isolates.set(isolate, { sequence, at: now });
      addDelta(series, report.delta, MAX_SERIES);
      gauges.set(isolate, {
        values: report.gauges,
        holdMs: report.gaugesHoldMs ?? GAUGE_LIFE_MS,
      });
      states.set(isolate, report.states ?? []);
      levelChanges = [...levelChanges, ...(report.levelChanges ?? [])].slice(-MAX_LEVEL_CHANGES);
      addAll(hot, report.hot);
      addAll(missed, report.missed);
      traces = [...traces, ...report.traces].slice(-MAX_TRACES);
      history.add(report, now);
      if (report.traffic !== undefined) sketches.add(report.traffic, now);
      cronRuns = withRunsOf(report.delta, now, cronRuns);
      dropSilent(now);
      return true;
    },

    snapshot(now) {
      dropSilent(now);
      const sums = new Map<string, number>();
      for (const { values } of gauges.values())
        for (const [name, value] of values) sums.set(name, (sums.get(name) ?? 0) + value);
      return {
        startedAt,
        totals: [...series],
        gauges: [...sums],
        hot: hot.list(LISTED_HOT_KEYS),
        missed: missed.list(LISTED_MISSED_KEYS),
        traces,
        states: countStates([...states.values()].flat()),
        levelChanges,
        cronRuns,
      };
    },

    history: history.steps,
    sketches: sketches.list,
    takeEnded: history.takeEnded,

    freeze() {
      const state: Frozen = {
        v: 1,
        startedAt,
        series: [...series],
        isolates: [...isolates],
        openStep: history.open,
        cronRuns,
      };
      return JSON.stringify(state);
    },
  };
}

export type SeriesTotals = Map<string, number | number[]>;

/** Adds increments to totals. When the limit of series is reached, new series are ignored. */
export function addDelta(
  totals: SeriesTotals,
  delta: Delta,
  maxSeries = Number.POSITIVE_INFINITY,
): void {
  for (const [series, value] of delta) {
    const total = totals.get(series);
    if (total === undefined) {
      if (totals.size < maxSeries)
        totals.set(series, typeof value === "number" ? value : [...value]);
    } else if (typeof value === "number") {
      if (typeof total === "number") totals.set(series, total + value);
    } else if (typeof total !== "number") {
      for (const [i, cell] of value.entries()) total[i] = (total[i] ?? 0) + cell;
    }
  }
}

function addAll(to: TopKeys, keys: readonly HotKey[]): void {
  for (const [key, count, over] of keys) to.add(key, count, over);
}

/** Adds up the counts of equal states, and keeps the earliest instant of each. */
export function countStates(states: readonly StateCount[]): readonly StateCount[] {
  const counts = new Map<string, StateCount>();
  for (const one of states) {
    const [name, state, isolates, since] = one;
    const before = counts.get(`${name} ${state}`);
    counts.set(
      `${name} ${state}`,
      before === undefined ? one : [name, state, before[2] + isolates, Math.min(before[3], since)],
    );
  }
  return [...counts.values()];
}
