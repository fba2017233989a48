import type { CacheEvent, Step } from "../core/events.ts";
import type { Millis } from "../core/time.ts";

/** One member a kind of step: how long in all, and how it ended if not well. */
export function serverTiming(events: readonly CacheEvent[], totalMs: Millis): string {
  const steps = new Map<Step, { ms: Millis; outcome: string }>();
  for (const event of events) {
    if (event.type !== "step.end") continue;
    const known = steps.get(event.step);
    const outcome = event.outcome === "ok" ? (known?.outcome ?? "ok") : event.outcome;
    steps.set(event.step, { ms: (known?.ms ?? 0) + event.ms, outcome });
  }
  const members = [...steps].map(([step, { ms, outcome }]) =>
    outcome === "ok" ? `${step};dur=${ms}` : `${step};dur=${ms};desc="${outcome}"`,
  );
  return [...members, `total;dur=${totalMs}`].join(", ");
}
