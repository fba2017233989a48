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

export function createMeter(): Meter {
  let counts = new Map<string, number>();
  let histograms = new Map<string, number[]>();

  function fits(series: string): boolean {
    if (counts.size + histograms.size < MAX_SERIES) return true;
    const lost = seriesOf("telemetry.dropped", ["metric", "cardinality"]);
    counts.set(lost, (counts.get(lost) ?? 0) + 1);
    return series === lost;
  }

  return {
    add(name, amount, ...labels) {
      const series = seriesOf(name, labels);
      const known = counts.get(series);
      if (known !== undefined) counts.set(series, known + amount);
      else if (fits(series)) counts.set(series, amount);
    },

    record(name, value, ...labels) {
      const series = seriesOf(name, labels);
      const { bounds } = METRICS[name];
      let cells = histograms.get(series);
      if (cells === undefined) {
        if (!fits(series)) return;
        // One cell a bucket, one for what is above all bounds, one for the sum.
        cells = Array.from({ length: bounds.length + 2 }, () => 0);
        histograms.set(series, cells);
      }
      let at = 0;
      while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
      cells[at] = (cells[at] ?? 0) + 1;
      cells[bounds.length + 1] = (cells[bounds.length + 1] ?? 0) + value;
    },

    take() {
      const delta = [...counts, ...histograms];
      counts = new Map();
      histograms = new Map();
      return delta;
    },

    get empty() {
      return counts.size === 0 && histograms.size === 0;
    },
  };
}

/** The name of a series; see core/metrics.ts. */
export function seriesOf(name: MetricName, labels: readonly string[]): string {
  let series: string = name;
  for (const label of labels) series += `\0${label}`;
  return series;
}
