import type { HotKey, MetricsReport, MetricsTotals, TraceSummary } from "../../core/metrics.ts";
import type { EpochMs } from "../../core/time.ts";
import { createTopKeys, type TopKeys } from "./meter.ts";

/** An isolate that has been silent for so long holds nothing any more. */
const GAUGE_LIFE_MS = 60_000;
/** No report is repeated after so long: its isolate is gone. */
const SEQUENCE_LIFE_MS = 3_600_000;
const MAX_TRACES = 60;
const TOP_KEYS = 200;
const LISTED_KEYS = 20;
/** Bounds what one object keeps, whatever the isolates send. */
const MAX_SERIES = 10_000;

interface Isolate {
  sequence: number;
  at: EpochMs;
}

interface Frozen {
  readonly v: 1;
  readonly startedAt: EpochMs;
  readonly series: readonly (readonly [string, number | readonly number[]])[];
  readonly isolates: readonly (readonly [string, Isolate])[];
}

/** Totals over all isolates of one object, from what `freeze` gave or from nothing. */
export function createTotals(frozen: string | undefined, now: EpochMs): MetricsTotals {
  const kept = frozen === undefined ? undefined : (JSON.parse(frozen) as Frozen);
  const startedAt = kept?.startedAt ?? now;
  const series = new Map<string, number | number[]>(
    kept?.series.map(([name, value]) => [name, typeof value === "number" ? value : [...value]]),
  );
  const isolates = new Map<string, Isolate>(kept?.isolates);
  const gauges = new Map<string, Pick<MetricsReport, "gauges">["gauges"]>();
  const hot = createTopKeys(TOP_KEYS);
  const missed = createTopKeys(TOP_KEYS);
  let traces: TraceSummary[] = [];

  function forget(now: EpochMs): void {
    for (const [name, { at }] of isolates) {
      if (now - at > SEQUENCE_LIFE_MS) isolates.delete(name);
      if (now - at > GAUGE_LIFE_MS) gauges.delete(name);
    }
  }

  return {
    apply(report, now) {
      const { isolate, sequence } = report;
      const last = isolates.get(isolate);
      if (last !== undefined && sequence <= last.sequence) return false;
      isolates.set(isolate, { sequence, at: now });
      for (const [name, value] of report.delta) {
        const total = series.get(name);
        if (total === undefined) {
          if (series.size < MAX_SERIES)
            series.set(name, typeof value === "number" ? value : [...value]);
        } else if (typeof value === "number") {
          if (typeof total === "number") series.set(name, total + value);
        } else if (typeof total !== "number") {
          for (const [i, cell] of value.entries()) total[i] = (total[i] ?? 0) + cell;
        }
      }
      gauges.set(isolate, report.gauges);
      addAll(hot, report.hot);
      addAll(missed, report.missed);
      traces = [...traces, ...report.traces].slice(-MAX_TRACES);
      forget(now);
      return true;
    },

    snapshot(now) {
      forget(now);
      const sums = new Map<string, number>();
      for (const values of gauges.values())
        for (const [name, value] of values) sums.set(name, (sums.get(name) ?? 0) + value);
      return {
        startedAt,
        totals: [...series],
        gauges: [...sums],
        hot: hot.list(LISTED_KEYS),
        missed: missed.list(LISTED_KEYS),
        traces,
      };
    },

    freeze() {
      const state: Frozen = { v: 1, startedAt, series: [...series], isolates: [...isolates] };
      return JSON.stringify(state);
    },
  };
}

function addAll(to: TopKeys, keys: readonly HotKey[]): void {
  for (const [key, count, over] of keys) to.add(key, count, over);
}
