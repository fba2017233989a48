import type { Visit } from "./visit.ts";

/** Returns a line for each of the slowest visits of each outcome, with the steps that the answer names. */
export function slowestOf(visits: readonly Visit[], count: number): readonly string[] {
  const outcomes = [...new Set(visits.map(({ outcome }) => outcome))];
  return outcomes
    .flatMap((outcome) =>
      visits
        .filter((visit) => visit.outcome === outcome)
        .toSorted((a, b) => b.ms - a.ms)
        .slice(0, count),
    )
    .toSorted((a, b) => a.dueMs - b.dueMs)
    .map(({ stream, dueMs, ms, outcome, status, headers }) =>
      [
        `at ${dueMs.toFixed(0)} ms: ${ms.toFixed(0)} ms, ${stream}, ${outcome} ${status ?? "without an answer"}`,
        headers["cache-status"],
        headers["server-timing"],
      ]
        .filter((part) => part !== undefined)
        .join(" | "),
    );
}
