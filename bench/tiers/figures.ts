/** The figures of the phases of a run, and their medians over the runs. */
import type { Row } from "../support/report.ts";
import { median, quantile, rangeOf } from "../support/time.ts";
import type { Queries } from "./queries.ts";
import type { Sample } from "./reads.ts";

export interface Phase {
  readonly setup: string;
  readonly samples: readonly Sample[];
  readonly queries: Queries;
}

/** The label and the decimals of each figure, in the order of the table. */
const LABELS = {
  reads: ["reads", 0],
  memory: ["memory, %", 2],
  edge: ["edge, %", 2],
  redis: ["redis, %", 2],
  origin: ["origin, %", 2],
  mean: ["mean, ms", 3],
  p50: ["p50, ms", 2],
  p95: ["p95, ms", 2],
  p99: ["p99, ms", 2],
  meanOverNone: ["mean, times better than no cache", 1],
  p95OverNone: ["p95, times better than no cache", 1],
  meanOverAside: ["mean, times better than cache-aside", 1],
  sqlOfReads: ["SQL queries of reads, per 100 reads", 2],
  sqlOfAll: ["SQL queries of reads and writes, per 100 reads", 2],
} as const satisfies Readonly<Record<string, readonly [label: string, digits: number]>>;

type Figure = keyof typeof LABELS;
export type Figures = Readonly<Record<Figure, number>>;
type OwnFigures = Omit<Figures, "meanOverNone" | "p95OverNone" | "meanOverAside">;

/** The phases that the others of the run are compared with. */
export interface Baselines {
  readonly none: Phase;
  readonly aside: Phase;
}

export function figuresOf(phase: Phase, bases: Baselines): Figures {
  const [own, none, aside] = [
    ownFiguresOf(phase),
    ownFiguresOf(bases.none),
    ownFiguresOf(bases.aside),
  ];
  return {
    ...own,
    meanOverNone: none.mean / own.mean,
    p95OverNone: none.p95 / own.p95,
    meanOverAside: aside.mean / own.mean,
  };
}

function ownFiguresOf({ samples, queries }: Phase): OwnFigures {
  const share = (tier: string): number =>
    (100 * samples.filter(({ from }) => from === tier).length) / samples.length;
  const times = samples.map(({ ms }) => ms);
  const perHundred = (count: number): number => (100 * count) / samples.length;
  return {
    reads: samples.length,
    memory: share("memory"),
    edge: share("edge"),
    redis: share("redis"),
    origin: share("origin"),
    mean: times.reduce((sum, ms) => sum + ms, 0) / times.length,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    p99: quantile(times, 0.99),
    sqlOfReads: perHundred(queries.ofReads),
    sqlOfAll: perHundred(queries.ofReads + queries.ofWrites),
  };
}

/** The figures of one run, by setup. */
export type FiguresBySetup = Readonly<Record<string, Figures>>;

/** Returns the medians over the runs. Ratios were made within each run. */
export function mediansOf(runs: readonly FiguresBySetup[]): FiguresBySetup {
  const medianOf = (setup: string, figure: string): number =>
    median(runs.map((run) => run[setup]![figure as Figure]));
  return Object.fromEntries(
    Object.entries(runs[0] ?? {}).map(([setup, figures]) => [
      setup,
      Object.fromEntries(Object.keys(figures).map((figure) => [figure, medianOf(setup, figure)])),
    ]),
  ) as FiguresBySetup;
}

/** Returns one row for each figure: the median of each setup, with the range over the runs. */
export function rowsOf(runs: readonly FiguresBySetup[]): readonly Row[] {
  const setups = Object.keys(runs[0] ?? {});
  return (Object.keys(LABELS) as Figure[]).map((figure) => {
    const [label, digits] = LABELS[figure];
    const cell = (setup: string): string => {
      const values = runs.map((run) => run[setup]![figure]);
      const [middle, range] = [median(values).toFixed(digits), rangeOf(values, digits)];
      return range === `${middle} to ${middle}` ? middle : `${middle} (${range})`;
    };
    return { figure: label, ...Object.fromEntries(setups.map((setup) => [setup, cell(setup)])) };
  });
}
