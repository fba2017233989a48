/**
 * The history of the last hour: the figures that the charts of the dashboard need, in steps of 15 s.
 * A metrics object adds the increments of each report to the step in which the report arrives.
 */
import { LEVELS, type DegradationLevel } from "../../core/degradation-level.ts";
import type { HistoryStep, MetricsReport } from "../../core/metrics.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import { HTTP_SECONDS } from "./metric.ts";
import { readSeries } from "./read-series.ts";

export const STEP_MS: Millis = 15_000;
/** The steps of one hour. */
export const MAX_STEPS = 240;

/** The counted figures of a step. The counts of the buckets of latency follow them. */
export const HISTORY_FIELDS = [
  "requests",
  "refused",
  "errors",
  "faults",
  "loads",
  "loadSeconds",
  "redisCommands",
  "durableCalls",
  "lookups.hit-memory",
  "lookups.hit-edge",
  "lookups.hit-redis",
  "lookups.stale",
  "lookups.stale-on-error",
  "lookups.joined",
  "lookups.miss",
  "lookups.bypass",
] as const;

type Field = (typeof HISTORY_FIELDS)[number];

const INDEX = new Map<string, number>(HISTORY_FIELDS.map((field, index) => [field, index]));
const FIRST_BUCKET = HISTORY_FIELDS.length;
const BUCKETS = HTTP_SECONDS.length + 1;

/** The history of one metrics object. */
export interface History {
  add(report: MetricsReport, now: EpochMs): void;
  steps(now: EpochMs): readonly HistoryStep[];
  takeEnded(): readonly HistoryStep[];
  /** The step that has not ended. Undefined before the first report. */
  readonly open: HistoryStep | undefined;
}

interface OpenStep {
  readonly at: EpochMs;
  level: DegradationLevel;
  readonly figures: number[];
}

/** Creates a history with the steps that were stored, and with the step that had not ended. */
export function createHistory(
  stored: readonly HistoryStep[] = [],
  unfinished?: HistoryStep,
): History {
  let ended = stored.slice(-MAX_STEPS);
  let open: OpenStep | undefined = unfinished && {
    ...unfinished,
    figures: [...unfinished.figures],
  };
  let taken = ended.length;

  /** Returns the step of an instant. If the clock was set back, that is the step which is open. */
  function stepAt(now: EpochMs): OpenStep {
    const at = now - (now % STEP_MS);
    if (open !== undefined && at <= open.at) return open;
    if (open !== undefined) end(open);
    const figures = Array.from({ length: FIRST_BUCKET + BUCKETS }, () => 0);
    open = { at, level: "normal", figures };
    return open;
  }

  function end({ at, level, figures }: OpenStep): void {
    ended.push({ at, level, figures: figures.map(shortened) });
    const surplus = Math.max(0, ended.length - MAX_STEPS);
    ended = ended.slice(surplus);
    taken = Math.max(0, taken - surplus);
  }

  return {
    add(report, now) {
      const step = stepAt(now);
      addReport(step.figures, report);
      for (const [name, state] of report.states ?? [])
        if (name === "level") step.level = worseOf(step.level, state);
    },
    steps(now) {
      const all = open === undefined ? ended : [...ended, open];
      return all.filter(({ at }) => at > now - MAX_STEPS * STEP_MS);
    },
    takeEnded() {
      const fresh = ended.slice(taken);
      taken = ended.length;
      return fresh;
    },
    get open() {
      return open;
    },
  };
}

/** Adds up the histories of several metrics objects, step by step. */
export function mergeHistories(
  histories: readonly (readonly HistoryStep[])[],
): readonly HistoryStep[] {
  const merged = new Map<EpochMs, HistoryStep>();
  for (const step of histories.flat()) {
    const former = merged.get(step.at);
    merged.set(step.at, former === undefined ? step : sumOf(former, step));
  }
  return [...merged.values()].toSorted((a, b) => a.at - b.at);
}

function sumOf(a: HistoryStep, b: HistoryStep): HistoryStep {
  const figures = a.figures.map((figure, i) => shortened(figure + (b.figures[i] ?? 0)));
  return { at: a.at, level: worseOf(a.level, b.level), figures };
}

function addReport(figures: number[], { delta }: MetricsReport): void {
  const add = (field: string, amount: number): void => {
    const index = INDEX.get(field);
    if (index !== undefined) figures[index] = (figures[index] ?? 0) + amount;
  };
  for (const [series, value] of delta) {
    const read = readSeries(series);
    if (read === null) continue;
    const label = (name: string): string => read.labels.find(([one]) => one === name)?.[1] ?? "";
    const count = typeof value === "number" ? value : sum(value.slice(0, -1));
    if (read.name === "http.server.request.duration") {
      const status = label("http.response.status_code");
      add("requests", count);
      if (status === "429") add("refused", count);
      if (status >= "500") add("errors", count);
      if (typeof value !== "number") addBuckets(figures, value);
    } else if (read.name === "cache.lookups") add(`lookups.${label("cache.status")}`, count);
    else if (read.name === "cache.origin.load.duration")
      add("loadSeconds", typeof value === "number" ? 0 : (value.at(-1) ?? 0));
    else add(COUNTED.get(read.name) ?? "", count);
  }
}

/** The metrics that are one field, whatever their labels. */
const COUNTED: ReadonlyMap<string, Field> = new Map([
  ["cache.origin.loads", "loads"],
  ["cache.redis.commands", "redisCommands"],
  ["cache.durable_object.calls", "durableCalls"],
  ["cache.faults", "faults"],
]);

function addBuckets(figures: number[], cells: readonly number[]): void {
  for (let i = 0; i < BUCKETS; i++)
    figures[FIRST_BUCKET + i] = (figures[FIRST_BUCKET + i] ?? 0) + (cells[i] ?? 0);
}

function worseOf(level: DegradationLevel, other: string): DegradationLevel {
  return (
    LEVELS[
      Math.max(
        LEVELS.indexOf(level),
        LEVELS.findIndex((one) => one === other),
      )
    ] ?? level
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** Rounds to thousandths, so that a sum of seconds takes few characters. */
function shortened(figure: number): number {
  return Math.round(figure * 1000) / 1000;
}
