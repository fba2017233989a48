/** Finds the last run of each task of the cron trigger in the reports of isolates. */
import type { CronRun, Delta } from "../../core/metrics.ts";
import type { EpochMs } from "../../core/time.ts";
import { readSeries } from "./read-series.ts";

/** At most this many tasks are kept. */
const MAX_TASKS = 50;

/** Returns the last runs after a report that arrived at `at`. */
export function withRunsOf(
  delta: Delta,
  at: EpochMs,
  runs: readonly CronRun[],
): readonly CronRun[] {
  const found = delta.flatMap(([series]): CronRun[] => {
    if (!series.startsWith("cache.cron.duration\0")) return [];
    const labels = new Map(readSeries(series)?.labels);
    return [[labels.get("cache.task") ?? "", labels.get("cache.outcome") ?? "", at]];
  });
  return found.length === 0 ? runs : newestRuns([...runs, ...found]);
}

/** Keeps the last run of each task. Of several at one instant, the later one in the list counts. */
export function newestRuns(runs: readonly CronRun[]): readonly CronRun[] {
  const byTask = new Map<string, CronRun>();
  for (const run of runs) {
    const former = byTask.get(run[0]);
    if (former === undefined ? byTask.size < MAX_TASKS : run[2] >= former[2])
      byTask.set(run[0], run);
  }
  return [...byTask.values()];
}
