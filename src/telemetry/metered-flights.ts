import type { Carrier, Context, FlightPort, Result } from "../core/ports.ts";
import type { Telemetry } from "./telemetry.ts";

/** The flight objects, each call counted, timed, and told whose it is. */
export function withSpans(flights: FlightPort, telemetry: Telemetry): FlightPort {
  async function call<T>(
    method: string,
    ctx: Context,
    run: (carrier: Carrier | undefined) => Promise<Result<T>>,
    outcomeOf: (value: T) => string,
  ): Promise<Result<T>> {
    const child = telemetry.child(ctx.id);
    const startedAt = ctx.now();
    const result = await run(child?.carrier);
    const outcome = result.ok ? outcomeOf(result.value) : result.fault.code;
    telemetry.observeDurable({
      requestId: ctx.id,
      method,
      ms: ctx.now() - startedAt,
      outcome,
      spanId: child?.spanId ?? "",
    });
    return result;
  }

  return {
    join: (scope, request, ctx) =>
      call(
        "FlightShard/join",
        ctx,
        (carrier) =>
          flights.join(scope, carrier === undefined ? request : { ...request, carrier }, ctx),
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
