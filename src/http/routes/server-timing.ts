import type { CacheEvent, Step } from "../../core/events.ts";
import type { Millis } from "../../core/time.ts";

export type StepEnd = Extract<CacheEvent, { readonly type: "step.end" }>;

/**
 * The `Server-Timing` value: one member for each kind of step with its total duration,
 * and the last outcome other than `ok` as its description.
 */
export function serverTiming(steps: readonly StepEnd[], totalMs: Millis): string {
  const total = `total;dur=${totalMs}`;
  if (steps.length === 0) return total;
  const kinds = new Map<Step, { ms: Millis; outcome: string }>();
  for (const { step, ms, outcome } of steps) {
    const sum = kinds.get(step);
    const worst = outcome === "ok" ? (sum?.outcome ?? "ok") : outcome;
    kinds.set(step, { ms: (sum?.ms ?? 0) + ms, outcome: worst });
  }
  const members = [...kinds].map(([step, { ms, outcome }]) =>
    outcome === "ok" ? `${step};dur=${ms}` : `${step};dur=${ms};desc="${outcome}"`,
  );
  return [...members, total].join(", ");
}
