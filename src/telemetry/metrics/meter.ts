import type { Delta } from "../../core/metrics.ts";
import { METRICS, type MetricName, type NameOf } from "./registry.ts";

/** Series one isolate holds between two reports; OpenTelemetry's own default limit. */
const MAX_SERIES = 2_000;
/** Series of one metric that are found by comparing labels; of more it would take longer than by name. */
const MAX_FAMILIAR = 16;

/**
 * Counts in this isolate between two reports. Labels are given in the registry's order, "" for
 * one that is absent; by themselves, as an array of them would be made with every call.
 */
export interface Meter {
  add(name: NameOf<"counter">, amount: number, a?: string, b?: string, c?: string): void;
  record(
    name: NameOf<"histogram">,
    value: number,
    a?: string,
    b?: string,
    c?: string,
    d?: string,
  ): void;
  /** Everything since the last call, and forgets it. */
  take(): Delta;
  readonly empty: boolean;
}

/** A number, or a histogram: one number a bucket, one for what is above all bounds, one for the sum. */
type Cells = number[];

interface Series {
  readonly a: string;
  readonly b: string;
  readonly c: string;
  readonly d: string;
  readonly cells: Cells;
}

export function createMeter(): Meter {
  let counts = new Map<string, Cells>();
  let histograms = new Map<string, Cells>();
  /** Of each metric the series that are counted most, about in this order: they need no name. */
  const familiar = new Map<MetricName, Series[]>();

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
    size: number,
    a: string,
    b: string,
    c: string,
    d: string,
  ): Cells | undefined {
    const known = familiar.get(name) ?? [];
    for (let i = 0; i < known.length; i++) {
      const one = known[i]!;
      if (one.a !== a || one.b !== b || one.c !== c || one.d !== d) continue;
      if (i > 0) [known[i - 1], known[i]] = [one, known[i - 1]!];
      return one.cells;
    }
    const series = seriesOf(name, [a, b, c, d]);
    let cells = all.get(series);
    if (cells === undefined) {
      if (!fits(series)) return undefined;
      cells = Array.from({ length: size }, () => 0);
      all.set(series, cells);
    }
    if (known.length === MAX_FAMILIAR) known.pop();
    known.push({ a, b, c, d, cells });
    familiar.set(name, known);
    return cells;
  }

  return {
    add(name, amount, a = "", b = "", c = "") {
      const cells = cellsOf(counts, name, 1, a, b, c, "");
      if (cells !== undefined) cells[0] = (cells[0] ?? 0) + amount;
    },

    record(name, value, a = "", b = "", c = "", d = "") {
      const { bounds } = METRICS[name];
      const cells = cellsOf(histograms, name, bounds.length + 2, a, b, c, d);
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
      familiar.clear();
      return delta;
    },

    get empty() {
      return counts.size === 0 && histograms.size === 0;
    },
  };
}

/** The name of a series; see core/metrics.ts. Values past the metric's own labels are not taken. */
export function seriesOf(name: MetricName, values: readonly string[]): string {
  return [name, ...METRICS[name].labels.map((_, i) => values[i] ?? "")].join("\0");
}
