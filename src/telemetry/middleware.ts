import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Telemetry } from "./telemetry.ts";

/**
 * Puts a request's telemetry around a handler: outermost, so that its time is the whole time.
 *
 * @example app.use(withTelemetry(telemetry, strata(layer)))
 */
export function withTelemetry<H extends MiddlewareHandler>(telemetry: Telemetry, handler: H): H {
  if (!telemetry.enabled) return handler;
  const wrapped: MiddlewareHandler = async (c, next) => {
    const record = telemetry.begin(c.req.raw);
    const answer = await telemetry.run(record, () => handler(c, next));
    const { status, headers } = answer ?? c.res;
    const limited = headers.has("X-RateLimit-Limit");
    // Hono leaves the index of the handler that went furthest.
    const scope = c.get("strata" as never) as { readonly refreshing?: unknown } | undefined;
    const background = scope?.refreshing !== undefined;
    const result = { status, route: routePath(c), limited, background };
    const traceparent = telemetry.finish(record, result, (work) => c.executionCtx.waitUntil(work));
    try {
      // Not c.header(): for a response that is ready, it makes another.
      headers.set("traceparent", traceparent);
    } catch {
      // Headers of a response from elsewhere cannot be changed.
      c.header("traceparent", traceparent);
    }
    return answer;
  };
  return wrapped as H;
}
