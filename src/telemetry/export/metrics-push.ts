import type { MetricsSnapshot } from "../../core/metrics.ts";
import type { EpochMs, Millis } from "../../core/time.ts";
import { createExporter, type ExportPlatform } from "./exporter.ts";
import type { TelemetrySettings } from "../settings.ts";

export interface PushOptions extends ExportPlatform {
  readonly settings: TelemetrySettings;
}

/** Creates the function that sends a metrics object's totals. Undefined if no endpoint for metrics is set. */
export function createPush(options: PushOptions):
  | {
      readonly everyMs: Millis;
      push(snapshot: MetricsSnapshot, instance: string, now: EpochMs): Promise<void>;
    }
  | undefined {
  const { settings } = options;
  const endpoint = settings.endpoints.metrics;
  if (endpoint === undefined || !settings.enabled) return undefined;
  const exporter = createExporter({
    ...options,
    endpoint,
    rejectedOf: async () => 0,
  });
  return {
    everyMs: settings.metricIntervalMs,
    async push(snapshot, instance, now) {
      // A Worker without exports never evaluates these modules.
      const [{ serializersOf }, { resourceMetricsOf }] = await Promise.all([
        import("./otlp-serializers.ts"),
        import("./otlp-metrics.ts"),
      ]);
      const body = serializersOf(endpoint).metrics.serializeRequest(
        resourceMetricsOf(snapshot, settings.resource, instance, now),
      );
      // Totals are cumulative, so a failed push is not repeated: the next one contains its totals.
      if (body !== undefined) await exporter.post(body);
    },
  };
}
