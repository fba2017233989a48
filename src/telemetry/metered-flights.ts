import type { TraceCarrier } from "../core/trace-carrier.ts";
import type { Context } from "../core/context.ts";
import type { FlightPort } from "../core/flight-port.ts";
import type { Result } from "../core/result.ts";

/**
 * Reports every call of the flight objects as an event of its request. `join` also sends the id of
 * its span, so that the flight object continues the trace.
 */
export function withSpans(flights: FlightPort): FlightPort {
  async function call<T>(
    method: string,
    ctx: Context,
    run: (carrier: TraceCarrier | undefined) => Promise<Result<T>>,
    outcomeOf: (value: T) => string,
  ): Promise<Result<T>> {
    const span = ctx.child();
    const startedAt = ctx.now();
    const result = await run(span?.carrier);
    ctx.emit({
      type: "durable.end",
      method,
      startedAt,
      ms: ctx.now() - startedAt,
      outcome: result.ok ? outcomeOf(result.value) : result.fault.code,
      spanId: span?.spanId ?? "",
    });
    return result;
  }

  return {
    join: (scope, request, ctx, onWait) =>
      call(
        "FlightShard/join",
        ctx,
        (carrier) =>
          flights.join(
            scope,
            carrier === undefined ? request : { ...request, carrier },
            ctx,
            onWait,
          ),
        ({ role }) => role,
      ),
    land: (scope, request, ctx) =>
      call(
        "FlightShard/land",
        ctx,
        () => flights.land(scope, request, ctx),
        () => "ok",
      ),
  };
}
