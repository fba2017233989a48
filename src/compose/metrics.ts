import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import type { MetricsPort } from "../core/metrics.ts";
import { createMetricsPort } from "../durable/metrics-port.ts";
import { metricsStub } from "../durable/stubs.ts";
import { withTimeout } from "../resilience/deadline.ts";

/** Returns the metrics objects; undefined if the binding `METRICS` is missing. */
export function composeMetrics(
  { METRICS }: Bindings,
  { namespace, settings }: Config,
): MetricsPort | undefined {
  if (METRICS === undefined) return undefined;
  return createMetricsPort({
    stub: (name) => metricsStub(METRICS, name),
    namespace,
    shards: settings.metrics.shards,
    timeoutMs: settings.metrics.timeoutMs,
    withTimeout,
  });
}
