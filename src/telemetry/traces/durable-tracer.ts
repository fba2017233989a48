import { resourceFromAttributes } from "@opentelemetry/resources";
import type { TraceCarrier } from "../../core/trace-carrier.ts";
import { createMeter } from "../metrics/meter.ts";
import { createExportQueue, type ExportQueueOptions } from "../export/export-queue.ts";
import { createFlushLoop } from "../export/flush-loop.ts";
import { createRecord } from "./request-record.ts";
import type { TelemetrySettings } from "../settings.ts";
import { newSpanId, readCarrier } from "./trace-context.ts";

/** Runs a method of a Durable Object as a span under its caller's. */
export type DurableTracer = <T>(
  method: string,
  carrier: TraceCarrier | undefined,
  call: () => Promise<T>,
  waitUntil: (work: Promise<unknown>) => void,
) => Promise<T>;

export type DurableTracerOptions = Pick<
  ExportQueueOptions,
  "fetch" | "now" | "random" | "sleep"
> & {
  readonly settings: TelemetrySettings;
};

const FLUSH_MS = 1_000;

/** Spans of a Durable Object, exported by itself: no async context reaches it. */
export function createDurableTracer(options: DurableTracerOptions): DurableTracer {
  const { settings, now, random, sleep } = options;
  if (!settings.enabled || settings.endpoints.traces === undefined) return (_m, _c, call) => call();
  const outbox = createExportQueue({
    ...options,
    settings: {
      ...settings,
      console: false,
      endpoints: { ...settings.endpoints, logs: undefined },
    },
    resource: resourceFromAttributes(settings.resource),
    // What it drops is not reported: its callers' reports are.
    meter: createMeter(),
    nameKey: (key) => key,
    print: () => undefined,
  });
  const pump = createFlushLoop({
    run: outbox.run,
    isEmpty: () => outbox.empty,
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
        background: true,
        startedAt,
        method: "POST",
        url: "https://durable.invalid/",
        request: undefined,
        baggage: "",
      });
      outbox.addLate(record, {
        kind: "durable",
        name: method,
        endedAt: now(),
        ms: now() - startedAt,
        outcome,
        spanId: newSpanId(random),
        amount: 0,
      });
      pump.kick(now(), waitUntil);
    }
  };
}
