import type { Delta, HotKey, MetricsSnapshot } from "../../core/metrics.ts";
import { createTopKeys } from "./meter.ts";

/** The snapshots of several objects as one. */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const [only] = snapshots;
  if (only !== undefined && snapshots.length === 1) return only;
  return {
    startedAt: Math.min(...snapshots.map(({ startedAt }) => startedAt)),
    totals: sum(snapshots.map(({ totals }) => totals)),
    gauges: sum(snapshots.map(({ gauges }) => gauges)) as readonly (readonly [string, number])[],
    hot: top(snapshots.map(({ hot }) => hot)),
    missed: top(snapshots.map(({ missed }) => missed)),
    traces: snapshots.flatMap(({ traces }) => traces).toSorted((a, b) => a.at - b.at),
  };
}

function sum(parts: readonly Delta[]): Delta {
  const totals = new Map<string, number | number[]>();
  for (const [series, value] of parts.flat()) {
    const total = totals.get(series);
    if (total === undefined) totals.set(series, typeof value === "number" ? value : [...value]);
    else if (typeof value === "number") totals.set(series, Number(total) + value);
    else if (typeof total !== "number")
      for (const [i, cell] of value.entries()) total[i] = (total[i] ?? 0) + cell;
  }
  return [...totals];
}

function top(parts: readonly (readonly HotKey[])[]): readonly HotKey[] {
  const keys = parts.flat();
  const merged = createTopKeys(keys.length);
  for (const [key, count, over] of keys) merged.add(key, count, over);
  return merged.list(20);
}
