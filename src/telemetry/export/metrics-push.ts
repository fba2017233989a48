import type { MetricsSnapshot } from "../../core/metrics.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import { createExporter, type ExporterOptions } from "./exporter.ts";
import { serializersOf } from "./otlp-serializers.ts";
import { resourceMetricsOf } from "./otlp-metrics.ts";
import type { TelemetrySettings } from "../settings.ts";

export type PushOptions = Pick<ExporterOptions, "fetch" | "now" | "random" | "sleep"> & {
  readonly settings: TelemetrySettings;
};

/** Pushes the totals of a metrics object; undefined unless metrics are to be exported. */
export function createPush(options: PushOptions):
  | {
      readonly everyMs: Millis;
      push(snapshot: MetricsSnapshot, instance: string, now: EpochMs): Promise<void>;
    }
  | undefined {
  const { settings } = options;
  const endpoint = settings.endpoints.metrics;
  if (endpoint === undefined || !settings.enabled) return undefined;
  const { metrics: serializer } = serializersOf(endpoint);
  const exporter = createExporter({
    ...options,
    endpoint,
    signal: "metrics",
    rejectedOf: () => 0,
  });
  return {
    everyMs: settings.metricIntervalMs,
    async push(snapshot, instance, now) {
      const body = serializer.serializeRequest(
        resourceMetricsOf(snapshot, settings.resource, instance, now),
      );
      // Totals are cumulative: what is not taken now is in the next push.
      if (body !== undefined) await exporter.post(body);
    },
  };
}
