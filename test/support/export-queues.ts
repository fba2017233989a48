/** Export queues and records of requests, for tests of what a queue keeps. */
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  createExportQueue,
  type ExportQueue,
  type ExportQueueOptions,
} from "../../src/telemetry/export/export-queue.ts";
import { createMeter } from "../../src/telemetry/metrics/meter.ts";
import { readSettings } from "../../src/telemetry/settings.ts";
import { createRecord } from "../../src/telemetry/traces/request-record.ts";
import type { SpanRef } from "../../src/telemetry/traces/trace-context.ts";

/** A queue that sends JSON to a collector. It prints nothing. */
export function createTestQueue(fetch: ExportQueueOptions["fetch"]): ExportQueue {
  return createExportQueue({
    settings: readSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      STRATA_LOG: "off",
    }).settings,
    resource: resourceFromAttributes({}),
    meter: createMeter(),
    formatKey: (key) => key,
    print: () => undefined,
    onExport: () => undefined,
    now: () => 0,
    random: () => 0.5,
    sleep: async () => undefined,
    fetch,
  });
}

/** The record of a POST for an operator that has begun. */
export function begunRecord(span: SpanRef, url: string, startedAt = 0) {
  return createRecord({
    span,
    sampled: false,
    parent: undefined,
    link: undefined,
    background: false,
    startedAt,
    method: "POST",
    url,
    request: undefined,
    baggage: "",
  });
}
