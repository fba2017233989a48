import type { MetricsPort, MetricsSnapshot } from "../../core/metrics.ts";
import type { EpochMs } from "../../core/time.ts";
import { EXPOSITION_TYPE, renderExposition } from "./exposition.ts";
import { mergeSnapshots } from "./merge-snapshots.ts";
import { summarize, type Summary } from "./dashboard-summary.ts";
import { HISTORY_FIELDS, mergeHistories, STEP_MS } from "./history.ts";
import { HTTP_SECONDS } from "./metric.ts";

export interface MetricsViewOptions {
  readonly port: MetricsPort | undefined;
  readonly resource: Readonly<Record<string, string>>;
}

/** The last hour in steps. Each step is a list: its start, its level, and its figures in the order of `fields` and `bounds`. */
export interface HistoryOfHour {
  readonly stepMs: number;
  readonly fields: readonly string[];
  /** The bounds of the buckets of latency, in seconds. The last bucket has no bound. */
  readonly bounds: readonly number[];
  readonly steps: readonly (readonly [at: EpochMs, level: string, ...figures: number[]])[];
}

/** Reads the metrics of all isolates. */
export interface MetricsView {
  /** Reads the totals. Undefined if there are no metrics objects. Rejects if a metrics object cannot be reached. */
  snapshot(): Promise<MetricsSnapshot | undefined>;
  /** Reads the totals that the dashboard shows. */
  summary(now: EpochMs): Promise<Summary | undefined>;
  /** Reads the last hour, for the charts of the dashboard. */
  history(): Promise<HistoryOfHour | undefined>;
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
    async history() {
      if (port === undefined) return undefined;
      const steps = mergeHistories(await port.histories());
      return {
        stepMs: STEP_MS,
        fields: HISTORY_FIELDS,
        bounds: HTTP_SECONDS,
        steps: steps.map(({ at, level, figures }) => [at, level, ...figures] as const),
      };
    },
    async exposition() {
      const totals = await snapshot();
      return totals && { body: renderExposition(totals, resource), contentType: EXPOSITION_TYPE };
    },
  };
}
