import type { Delta } from "../core/metrics.ts";
import { METRICS, type MetricName, type NameOf } from "./registry.ts";

/** Series one isolate holds between two reports; OpenTelemetry's own default limit. */
const MAX_SERIES = 2_000;

/** Counts in this isolate between two reports. */
export interface Meter {
  /** Label values in the registry's order; "" leaves a label out. */
  add(name: NameOf<"counter">, amount: number, ...labels: readonly string[]): void;
  record(name: NameOf<"histogram">, value: number, ...labels: readonly string[]): void;
  /** Everything since the last call, and forgets it. */
  take(): Delta;
  readonly empty: boolean;
}

/** A number, or a histogram: one number a bucket, one for what is above all bounds, one for the sum. */
type Cells = number[];

interface Series {
  readonly labels: readonly string[];
  readonly cells: Cells;
}

export function createMeter(): Meter {
  let counts = new Map<string, Cells>();
  let histograms = new Map<string, Cells>();
  /** Of each metric the series that was counted last: mostly it is the next one too, and needs no name. */
  const latest = new Map<MetricName, Series>();

  function fits(series: string): boolean {
    if (counts.size + histograms.size < MAX_SERIES) return true;
    const lost = seriesOf("telemetry.dropped", ["metric", "cardinality"]);
    const known = counts.get(lost);
    if (known === undefined) counts.set(lost, [1]);
    else known[0] = (known[0] ?? 0) + 1;
    return series === lost;
  }

  function cellsOf(
    all: Map<string, Cells>,
    name: MetricName,
    labels: readonly string[],
    size: number,
  ): Cells | undefined {
    const last = latest.get(name);
    if (last !== undefined && areEqual(last.labels, labels)) return last.cells;
    const series = seriesOf(name, labels);
    let cells = all.get(series);
    if (cells === undefined) {
      if (!fits(series)) return undefined;
      cells = Array.from({ length: size }, () => 0);
      all.set(series, cells);
    }
    latest.set(name, { labels, cells });
    return cells;
  }

  return {
    add(name, amount, ...labels) {
      const cells = cellsOf(counts, name, labels, 1);
      if (cells !== undefined) cells[0] = (cells[0] ?? 0) + amount;
    },

    record(name, value, ...labels) {
      const { bounds } = METRICS[name];
      const cells = cellsOf(histograms, name, labels, bounds.length + 2);
      if (cells === undefined) return;
      let at = 0;
      while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
      cells[at] = (cells[at] ?? 0) + 1;
      cells[bounds.length + 1] = (cells[bounds.length + 1] ?? 0) + value;
    },

    take() {
      const numbers = Array.from(counts, ([series, [count = 0]]) => [series, count] as const);
      const delta = [...numbers, ...histograms];
      counts = new Map();
      histograms = new Map();
      latest.clear();
      return delta;
    },

    get empty() {
      return counts.size === 0 && histograms.size === 0;
    },
  };
}

function areEqual(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

/** The name of a series; see core/metrics.ts. */
export function seriesOf(name: MetricName, labels: readonly string[]): string {
  let series: string = name;
  for (const label of labels) series += `\0${label}`;
  return series;
}
