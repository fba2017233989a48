/** The metrics and the frequent keys of one isolate between two reports, in bounded memory. */
import type { Delta, HotKey } from "../../core/metrics.ts";
import { METRICS, type MetricName, type NameOf } from "./registry.ts";

/** The most series that one isolate holds between two reports. OpenTelemetry has the same default limit. */
const MAX_SERIES = 2_000;
/** The most series of one metric that a search by labels compares. A longer search is slower than building the name of the series. */
const MAX_RECENT = 16;

/**
 * Counts the metrics of this isolate. Label values are given in the registry's order, and "" for a
 * label that is absent. They are separate arguments, because an array would have to be made for
 * every call.
 */
export interface Meter {
  /** Adds to a counter. */
  add(name: NameOf<"counter">, amount: number, a?: string, b?: string, c?: string): void;
  /** Adds one value to a histogram. */
  record(
    name: NameOf<"histogram">,
    value: number,
    a?: string,
    b?: string,
    c?: string,
    d?: string,
  ): void;
  /** Returns all increments since the last call, and starts again at zero. */
  take(): Delta;
  readonly empty: boolean;
}

/**
 * The numbers of one series. A counter has one. A histogram has one for each bucket, one for the
 * values above all bounds, and one for the sum.
 */
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
  /**
   * The most used series of each metric, with the most used ones near the front. They are found
   * without building a name.
   */
  const recent = new Map<MetricName, Series[]>();

  /** Returns whether a new series may be added. If not, the addition is counted as dropped. */
  function hasRoomFor(series: string): boolean {
    if (counts.size + histograms.size < MAX_SERIES) return true;
    const dropped = seriesOf("telemetry.dropped", ["metric", "cardinality"]);
    const cells = counts.get(dropped);
    if (cells === undefined) counts.set(dropped, [1]);
    else cells[0] = (cells[0] ?? 0) + 1;
    return series === dropped;
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
    const known = recent.get(name) ?? [];
    for (let i = 0; i < known.length; i++) {
      const one = known[i]!;
      if (one.a !== a || one.b !== b || one.c !== c || one.d !== d) continue;
      if (i > 0) [known[i - 1], known[i]] = [one, known[i - 1]!];
      return one.cells;
    }
    const series = seriesOf(name, [a, b, c, d]);
    let cells = all.get(series);
    if (cells === undefined) {
      if (!hasRoomFor(series)) return undefined;
      cells = Array.from({ length: size }, () => 0);
      all.set(series, cells);
    }
    if (known.length === MAX_RECENT) known.pop();
    known.push({ a, b, c, d, cells });
    recent.set(name, known);
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
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
      cells[bucket] = (cells[bucket] ?? 0) + 1;
      cells[bounds.length + 1] = (cells[bounds.length + 1] ?? 0) + value;
    },

    take() {
      const numbers = Array.from(counts, ([series, [count = 0]]) => [series, count] as const);
      const delta = [...numbers, ...histograms];
      counts = new Map();
      histograms = new Map();
      recent.clear();
      return delta;
    },

    get empty() {
      return counts.size === 0 && histograms.size === 0;
    },
  };
}

/** Returns the name of a series; see core/metrics.ts. If there are more values than labels, the rest is ignored. */
export function seriesOf(name: MetricName, values: readonly string[]): string {
  return [name, ...METRICS[name].labels.map((_, i) => values[i] ?? "")].join("\0");
}

/** Counts keys, and keeps the most frequent ones. */
export interface TopKeys<Mark = undefined> {
  /** Counts a key. Returns its mark, which was computed when the list took the key. */
  add(key: string, count?: number, over?: number): Mark;
  /** Returns the most frequent keys, in descending order of frequency. */
  list(limit: number): readonly HotKey[];
  clear(): void;
}

interface KeyCount<Mark> {
  count: number;
  over: number;
  readonly mark: Mark;
}

/**
 * Space-Saving (Metwally, Agrawal, El Abbadi 2005): a new key replaces the rarest key and continues
 * its count. So a count is too high by at most `over`, and the list has every key that makes up
 * more than 1/capacity of the stream.
 *
 * @param markOf computes what `add` returns for a key
 */
export function createTopKeys(capacity: number): TopKeys;
export function createTopKeys<Mark>(capacity: number, markOf: (key: string) => Mark): TopKeys<Mark>;
export function createTopKeys(
  capacity: number,
  markOf: (key: string) => unknown = () => undefined,
): TopKeys<unknown> {
  const counts = new Map<string, KeyCount<unknown>>();

  return {
    add(key, count = 1, over = 0) {
      const known = counts.get(key);
      if (known !== undefined) {
        known.count += count;
        known.over += over;
        return known.mark;
      }
      const mark = markOf(key);
      if (counts.size < capacity) {
        counts.set(key, { count, over, mark });
        return mark;
      }
      let rarest = "";
      let least = Number.POSITIVE_INFINITY;
      for (const [candidate, { count: seen }] of counts) {
        if (seen >= least) continue;
        rarest = candidate;
        least = seen;
        if (least <= 1) break;
      }
      counts.delete(rarest);
      counts.set(key, { count: least + count, over: least + over, mark });
      return mark;
    },

    list: (limit) =>
      [...counts]
        .map(([key, { count, over }]): HotKey => [key, count, over])
        .toSorted((a, b) => b[1] - a[1])
        .slice(0, limit),

    clear: () => counts.clear(),
  };
}
