import type { Headroom } from "./headroom.ts";
import { isVoid } from "./headroom.ts";
import { reaches, type Figure } from "./trial.ts";

/** What a run of one trial gave. */
export interface Outcome {
  readonly trial: string;
  readonly figures: readonly Figure[];
  readonly headroom: readonly Headroom[];
  /** The message of an error that ended the trial. */
  readonly error?: string;
}

/** Figures of a void outcome are shown, and judge nothing. */
export function isOutcomeVoid({ headroom }: Outcome): boolean {
  return headroom.some(isVoid);
}

export function hasPassed(outcome: Outcome): boolean {
  return outcome.error === undefined && !isOutcomeVoid(outcome) && outcome.figures.every(reaches);
}

/** Prints the rows of a trial as a Markdown table: trial, figure, value, goal, ok. */
export function rowsOf(outcome: Outcome): readonly string[] {
  const { trial, figures, error } = outcome;
  const judge = (figure: Figure): string => {
    if (figure.goal === undefined) return "";
    if (isOutcomeVoid(outcome)) return "void";
    return reaches(figure) ? "yes" : "**no**";
  };
  const rows = figures.map(
    (figure) =>
      `| ${trial} | ${figure.name} | ${valueOf(figure.value)} ${figure.unit} | ${goalOf(figure)} | ${judge(figure)} |`,
  );
  if (error !== undefined)
    rows.push(`| ${trial} | the trial ended with an error | ${error} | | **no** |`);
  return rows;
}

export const HEADER = ["| trial | figure | value | goal | ok |", "|---|---|--:|--:|---|"] as const;

/** Says how much of the machine the drives of a trial left. */
export function headroomOf({ headroom }: Outcome): string {
  const worst = (figures: readonly number[]): string => Math.max(...figures).toFixed(0);
  if (headroom.length === 0) return "no drive";
  const idle = Math.min(...headroom.map(({ idlePercent }) => idlePercent)).toFixed(0);
  return [
    `idle ${idle} %`,
    `loop p99 ${worst(headroom.map(({ loopP99Ms }) => loopP99Ms))} ms`,
    `driver late p99 ${worst(headroom.map(({ lateP99Ms }) => lateP99Ms))} ms`,
    `max ${worst(headroom.map(({ lateMaxMs }) => lateMaxMs))} ms`,
    `offered ${worst(headroom.map(({ offered }) => offered))}/s of ${Math.min(...headroom.map(({ capacity }) => capacity)).toFixed(0)}/s`,
  ].join(", ");
}

function valueOf(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "none" : "never";
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(2);
}

function goalOf({ goal, unit }: Figure): string {
  if (goal === undefined) return "";
  return "most" in goal ? `≤ ${goal.most} ${unit}` : `≥ ${goal.least} ${unit}`;
}
