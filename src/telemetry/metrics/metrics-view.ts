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
  /** Returns the text that the metrics objects keep for a key. */
  readonly formatKey: (key: string) => string;
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
  /**
   * Returns those of the keys that all isolates together read most, the most read one first; at most
   * 200. Empty if there are no metrics objects, or if one cannot be reached.
   */
  hottest(keys: readonly string[]): Promise<readonly string[]>;
  /** Reads the last hour, for the charts of the dashboard. */
  history(): Promise<HistoryOfHour | undefined>;
  /** Writes the totals in the Prometheus text format. */
  exposition(): Promise<{ readonly body: string; readonly contentType: string } | undefined>;
}

export function createMetricsView({ port, resource, formatKey }: MetricsViewOptions): MetricsView {
  const snapshot = async (): Promise<MetricsSnapshot | undefined> =>
    port && mergeSnapshots(await port.snapshots());

  return {
    snapshot,
    async summary(now) {
      const totals = await snapshot();
      return totals && summarize(totals, now);
    },
    async hottest(keys) {
      const totals = await snapshot().catch(() => undefined);
      if (totals === undefined || totals.hot.length === 0) return [];
      // The metrics objects keep hashes, so that the keys are found by their texts.
      const byText = new Map(keys.map((key) => [formatKey(key), key]));
      return totals.hot.flatMap(([text]) => byText.get(text) ?? []);
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
