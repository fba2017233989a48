import type { Clock } from "../../core/time.ts";
import type { Telemetry } from "../telemetry.ts";

/** Headers that tell another service whose request it serves. */
export type TraceHeaders = Readonly<Record<string, string>>;

/** Runs a call to another service as a span of the current request. */
export type Traced = <T>(name: string, call: (headers: TraceHeaders) => Promise<T>) => Promise<T>;

/**
 * Makes the helper for calls of one's own: it times them, and gives them the headers to send.
 * Outside any request it just calls.
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
      telemetry.step({ kind: "call", name, ms: now() - startedAt, outcome, spanId, amount: 0 });
    }
  };
}

/** The platform's fetch, each call a span whose name the other service is told. */
export function createTracedFetch(
  traced: Traced,
  fetch: (url: URL, init: RequestInit) => Promise<Response>,
) {
  return (url: URL, init: RequestInit): Promise<Response> =>
    traced(init.method ?? "GET", (headers) => {
      const own = new Headers(init.headers);
      for (const [name, value] of Object.entries(headers)) own.set(name, value);
      return fetch(url, { ...init, headers: own });
    });
}
