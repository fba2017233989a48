/** The state of a dependency by its last deliveries: the queue, and the collector of telemetry. */
import type { DependencyReport, DependencyState } from "./degradation.ts";
import type { EpochMs, Millis } from "./time.ts";

/** A failure counts for this time. After it, without a newer delivery, the state is unknown. */
const FAILURE_COUNTS_MS: Millis = 60_000;

/**
 * Remembers the outcomes of deliveries. It asks nothing: without a delivery the state is unknown. A
 * dependency is down after a delivery that failed, until one succeeds or a minute is over.
 */
export interface DeliveryOutcomes {
  add(succeeded: boolean, at: EpochMs): void;
  report(at: EpochMs): DependencyReport;
}

export function createDeliveryOutcomes(): DeliveryOutcomes {
  let state: DependencyState = "unknown";
  let since: EpochMs = 0;
  let lastAt: EpochMs = 0;

  function change(next: DependencyState, at: EpochMs): void {
    if (next === state) return;
    state = next;
    since = at;
  }

  return {
    add(succeeded, at) {
      lastAt = at;
      change(succeeded ? "up" : "down", at);
    },

    report(at) {
      if (state === "down" && at - lastAt >= FAILURE_COUNTS_MS) change("unknown", at);
      return { state, since };
    },
  };
}

/** Returns a report that says down, if there is one; otherwise one that says up. */
export function worstOf(reports: readonly DependencyReport[]): DependencyReport {
  const inState = (state: DependencyState) => reports.find((report) => report.state === state);
  return inState("down") ?? inState("up") ?? { state: "unknown", since: 0 };
}
