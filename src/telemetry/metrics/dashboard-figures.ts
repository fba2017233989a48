/**
 * The metrics that the dashboard shows as plain figures: a new one is one line of the table. A metric
 * that no isolate has reported is left out.
 */
import type { MetricsSnapshot } from "../../core/metrics.ts";
import { readSeries } from "./read-series.ts";

interface ShownMetric {
  /** The heading under which it stands. */
  readonly group: string;
  readonly metric: string;
  /** One row for each value of this label. Default: one row. */
  readonly by?: string;
  /** The words of the row. The value of the label follows. */
  readonly text: string;
}

const SHOWN: readonly ShownMetric[] = [
  { group: "Messages", metric: "cache.queue.sent", text: "sent" },
  { group: "Messages", metric: "cache.queue.messages", by: "cache.outcome", text: "deliveries" },
  { group: "Outbox", metric: "cache.outbox.deferred", text: "deferred invalidations" },
  { group: "Sessions", metric: "cache.sessions", by: "cache.operation", text: "sessions" },
  {
    group: "Live stock",
    metric: "cache.live.connections",
    by: "cache.outcome",
    text: "connections",
  },
  { group: "Live stock", metric: "cache.live.deliveries", by: "cache.outcome", text: "updates" },
  {
    group: "Answers of models",
    metric: "cache.answers",
    by: "cache.answer.source",
    text: "answers",
  },
  {
    group: "Answers of models",
    metric: "cache.answer.tokens",
    by: "cache.answer.use",
    text: "tokens",
  },
  {
    group: "Answers of models",
    metric: "cache.answer.cost",
    by: "cache.answer.use",
    text: "dollars",
  },
];

/** One figure: its group, its words, and its value. */
export type Figure = readonly [group: string, text: string, value: number];

/** Adds up the series of the shown metrics. A histogram counts its values. */
export function figuresOf(
  { totals, gauges }: Pick<MetricsSnapshot, "totals" | "gauges">,
  shown: readonly ShownMetric[] = SHOWN,
): readonly Figure[] {
  const series: { name: string; labels: Map<string, string>; count: number }[] = [
    ...totals,
    ...gauges,
  ].flatMap(([name, value]) => {
    const read = readSeries(name);
    if (read === null) return [];
    const count = typeof value === "number" ? value : value.slice(0, -1).reduce((a, b) => a + b, 0);
    return [{ name: read.name, labels: new Map(read.labels), count }];
  });
  return shown.flatMap(({ group, metric, by, text }) => {
    const rows = new Map<string, number>();
    for (const { name, labels, count } of series) {
      if (name !== metric) continue;
      const label = by === undefined ? "" : (labels.get(by) ?? "");
      const row = label === "" ? text : `${text}: ${label}`;
      rows.set(row, (rows.get(row) ?? 0) + count);
    }
    return [...rows].map(([row, count]): Figure => [group, row, count]);
  });
}
