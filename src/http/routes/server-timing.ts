import type { CacheEvent, Step } from "../../core/events.ts";
import type { Millis } from "../../core/time.ts";

export type StepEnd = Extract<CacheEvent, { readonly type: "step.end" }>;

/**
 * Makes the members of `Server-Timing` for the steps of a request, one for each kind of step. A
 * member has the total duration in milliseconds, and as its description the last outcome other than
 * `ok`.
 */
export function stepTimings(steps: readonly StepEnd[]): string {
  const kinds = new Map<Step, { ms: Millis; outcome: string }>();
  for (const { step, ms, outcome } of steps) {
    const sum = kinds.get(step);
    const worst = outcome === "ok" ? (sum?.outcome ?? "ok") : outcome;
    kinds.set(step, { ms: (sum?.ms ?? 0) + ms, outcome: worst });
  }
  return [...kinds]
    .map(([step, { ms, outcome }]) =>
      outcome === "ok" ? `${step};dur=${ms}` : `${step};dur=${ms};desc="${outcome}"`,
    )
    .join(", ");
}
