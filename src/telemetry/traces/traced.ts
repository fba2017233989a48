import type { Clock } from "../../core/time.ts";
import type { TelemetrySettings } from "../settings.ts";
import type { Telemetry } from "../telemetry.ts";

/**
 * Trace headers for a call to another service, so that the service continues the trace. Empty if
 * the request has no trace.
 */
export type TraceHeaders = Readonly<Record<string, string>>;

/** Runs a call to another service as a span of the current request. */
export type Traced = <T>(name: string, call: (headers: TraceHeaders) => Promise<T>) => Promise<T>;

/**
 * Creates the function that traces calls to other services. That function measures the duration of
 * a call, and gives the call the headers to send. Without a trace it only makes the call.
 *
 * @example
 * const price = await traced("pricing.quote", (headers) => fetch(url, { headers }));
 */
export function createTraced(telemetry: Telemetry, now: Clock): Traced {
  return async (name, call) => {
    const child = telemetry.child();
    if (child === undefined) return call({});
    const { carrier, spanId, baggage } = child;
    const startedAt = now();
    let outcome = "call.failed";
    try {
      const value = await call({ ...carrier, ...(baggage !== "" && { baggage }) });
      outcome = "ok";
      return value;
    } finally {
      const ms = now() - startedAt;
      const endedAt = startedAt + ms;
      telemetry.step({ kind: "call", name, endedAt, ms, outcome, spanId, amount: 0 });
    }
  };
}

export interface TracedFetchOptions {
  readonly traced: Traced;
  readonly settings: Pick<TelemetrySettings, "enabled" | "traceParent">;
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
}

/**
 * Wraps the platform's fetch. Each call becomes a span, and sends the trace headers. The context of
 * a caller that is not trusted is not sent on. Without telemetry all fields are sent as they are.
 */
export function createTracedFetch({ traced, settings, fetch }: TracedFetchOptions) {
  const replacesContext = settings.enabled && settings.traceParent !== "trust";
  return (url: URL, init: RequestInit): Promise<Response> =>
    traced(init.method ?? "GET", (headers) => {
      const sent = new Headers(init.headers);
      if (replacesContext) {
        sent.delete("traceparent");
        sent.delete("tracestate");
      }
      for (const [name, value] of Object.entries(headers)) sent.set(name, value);
      return fetch(url, { ...init, headers: sent });
    });
}
