import { resourceFromAttributes } from "@opentelemetry/resources";
import type { TraceCarrier } from "../../core/trace-carrier.ts";
import { createMeter } from "../metrics/meter.ts";
import { createExportQueue } from "../export/export-queue.ts";
import type { ExportPlatform } from "../export/exporter.ts";
import { createFlushLoop } from "../export/flush-loop.ts";
import { createRecord } from "./request-record.ts";
import type { TelemetrySettings } from "../settings.ts";
import { newSpanId, readCarrier } from "./trace-context.ts";

/** Runs a method of a Durable Object as a child of its caller's span. */
export type DurableTracer = <T>(
  method: string,
  carrier: TraceCarrier | undefined,
  call: () => Promise<T>,
  waitUntil: (work: Promise<unknown>) => void,
) => Promise<T>;

export interface DurableTracerOptions extends ExportPlatform {
  readonly settings: TelemetrySettings;
}

const FLUSH_MS = 1_000;

/**
 * Creates the tracer of one Durable Object. The object exports its own spans, because it may run in
 * another place than its caller and for longer than the caller's request.
 */
export function createDurableTracer(options: DurableTracerOptions): DurableTracer {
  const { settings, now, random, sleep } = options;
  if (!settings.enabled || settings.endpoints.traces === undefined) return (_m, _c, call) => call();
  const exportQueue = createExportQueue({
    ...options,
    settings: {
      ...settings,
      console: false,
      endpoints: { ...settings.endpoints, logs: undefined },
    },
    resource: resourceFromAttributes(settings.resource),
    // This meter is never reported, so spans that a Durable Object drops are not counted.
    meter: createMeter(),
    formatKey: (key) => key,
    print: () => undefined,
    onExport: () => undefined,
  });
  const exportLoop = createFlushLoop({
    run: exportQueue.run,
    isEmpty: () => exportQueue.empty,
    everyMs: FLUSH_MS,
    now,
    sleep,
  });

  return async (method, carrier, call, waitUntil) => {
    const parent = readCarrier(carrier?.traceparent, carrier?.tracestate);
    if (parent === undefined || !parent.sampled) return call();
    const startedAt = now();
    let outcome = "durable.failed";
    try {
      const value = await call();
      outcome = "ok";
      return value;
    } finally {
      const record = createRecord({
        span: parent,
        sampled: true,
        parent: undefined,
        link: undefined,
        background: true,
        startedAt,
        method: "POST",
        url: "https://durable.invalid/",
        request: undefined,
        baggage: "",
      });
      exportQueue.addLate(record, {
        kind: "durable",
        name: method,
        endedAt: now(),
        ms: now() - startedAt,
        outcome,
        spanId: newSpanId(random),
        amount: 0,
      });
      exportLoop.start(now(), waitUntil);
    }
  };
}
