import type { MetricsPort, MetricsSnapshot } from "../../core/metrics.ts";
import type { EpochMs } from "../../core/time.ts";
import { EXPOSITION_TYPE, renderExposition } from "./exposition.ts";
import { mergeSnapshots } from "./merge-snapshots.ts";
import { summarize, type Summary } from "./dashboard-summary.ts";

export interface MetricsViewOptions {
  readonly port: MetricsPort | undefined;
  readonly resource: Readonly<Record<string, string>>;
}

/** The metrics of all isolates, for those who look. */
export interface MetricsView {
  /** Undefined where no metrics objects are bound. Rejects if one cannot be reached. */
  snapshot(): Promise<MetricsSnapshot | undefined>;
  /** The totals as the dashboard needs them. */
  summary(now: EpochMs): Promise<Summary | undefined>;
  /** In the Prometheus text format, with its content type. */
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
