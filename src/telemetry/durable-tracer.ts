import { resourceFromAttributes } from "@opentelemetry/resources";
import type { Carrier } from "../core/ports.ts";
import { createMeter } from "./meter.ts";
import { createOutbox, type OutboxOptions } from "./outbox.ts";
import { createPump } from "./pump.ts";
import { createRecord } from "./record.ts";
import type { TelemetrySettings } from "./settings.ts";
import { newSpanId, readCarrier } from "./trace-context.ts";

/** Runs a method of a Durable Object as a span under its caller's. */
export type DurableTracer = <T>(
  method: string,
  carrier: Carrier | undefined,
  call: () => Promise<T>,
  waitUntil: (work: Promise<unknown>) => void,
) => Promise<T>;

export type DurableTracerOptions = Pick<OutboxOptions, "fetch" | "now" | "random" | "sleep"> & {
  readonly settings: TelemetrySettings;
};

const FLUSH_MS = 1_000;

/** Spans of a Durable Object, exported by itself: no async context reaches it. */
export function createDurableTracer(options: DurableTracerOptions): DurableTracer {
  const { settings, now, random, sleep } = options;
  if (!settings.enabled || settings.endpoints.traces === undefined) return (_m, _c, call) => call();
  const outbox = createOutbox({
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
  const pump = createPump({
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
