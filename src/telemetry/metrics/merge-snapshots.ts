import type { Delta, HotKey, MetricsSnapshot } from "../../core/metrics.ts";
import { newestRuns } from "./cron-runs.ts";
import { createTopKeys } from "./meter.ts";
import {
  addDelta,
  countStates,
  LISTED_HOT_KEYS,
  LISTED_MISSED_KEYS,
  type SeriesTotals,
} from "./totals.ts";

/** Adds up the totals in the snapshots of several metrics objects. */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const [only] = snapshots;
  if (only !== undefined && snapshots.length === 1) return only;
  return {
    startedAt: Math.min(...snapshots.map(({ startedAt }) => startedAt)),
    totals: sum(snapshots.map(({ totals }) => totals)),
    gauges: sum(snapshots.map(({ gauges }) => gauges)) as readonly (readonly [string, number])[],
    hot: top(
      snapshots.map(({ hot }) => hot),
      LISTED_HOT_KEYS,
    ),
    missed: top(
      snapshots.map(({ missed }) => missed),
      LISTED_MISSED_KEYS,
    ),
    traces: snapshots.flatMap(({ traces }) => traces).toSorted((a, b) => a.at - b.at),
    cronRuns: newestRuns(snapshots.flatMap(({ cronRuns = [] }) => cronRuns)),
    states: countStates(snapshots.flatMap(({ states = [] }) => states)),
    levelChanges: snapshots
      .flatMap(({ levelChanges = [] }) => levelChanges)
      .toSorted((a, b) => a.at - b.at),
  };
}

function sum(parts: readonly Delta[]): Delta {
  const totals: SeriesTotals = new Map();
  for (const part of parts) addDelta(totals, part);
  return [...totals];
}

function top(parts: readonly (readonly HotKey[])[], limit: number): readonly HotKey[] {
  const keys = parts.flat();
  const merged = createTopKeys(keys.length);
  for (const [key, count, over] of keys) merged.add(key, count, over);
  return merged.list(limit);
}
