import type { MetricsPort, MetricsSnapshot } from "../../core/metrics.ts";
import type { EpochMs } from "../../core/time.ts";
import { EXPOSITION_TYPE, renderExposition } from "./exposition.ts";
import { mergeSnapshots } from "./merge-snapshots.ts";
import { summarize, type Summary } from "./dashboard-summary.ts";

export interface MetricsViewOptions {
  readonly port: MetricsPort | undefined;
  readonly resource: Readonly<Record<string, string>>;
}

/** Reads the metrics of all isolates. */
export interface MetricsView {
  /** Reads the totals. Undefined if there are no metrics objects. Rejects if a metrics object cannot be reached. */
  snapshot(): Promise<MetricsSnapshot | undefined>;
  /** Reads the totals that the dashboard shows. */
  summary(now: EpochMs): Promise<Summary | undefined>;
  /** Writes the totals in the Prometheus text format. */
  exposition(): Promise<{ readonly body: string; readonly contentType: string } | undefined>;
}

export function createMetricsView({ port, resource }: MetricsViewOptions): MetricsView {
  const snapshot = async (): Promise<MetricsSnapshot | undefined> =>
    port && mergeSnapshots(await port.snapshots());

  return {
    snapshot,
    async summary(now) {
      const totals = await snapshot();
      return totals && summarize(totals, now);
    },
    async exposition() {
      const totals = await snapshot();
      return totals && { body: renderExposition(totals, resource), contentType: EXPOSITION_TYPE };
    },
  };
}
