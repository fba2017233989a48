import type { FlightPort } from "../core/flight-port.ts";
import type { Breaker } from "./breaker.ts";

/** The flight objects behind a breaker: who cannot reach them loads by itself, at once. */
export function withFlightBreaker(flights: FlightPort, breaker: Breaker): FlightPort {
  return {
    join: (scope, request, ctx) => breaker.run(ctx.now, () => flights.join(scope, request, ctx)),
    // What a leader hands over is not a question: it neither trips the breaker nor waits for it.
    land: (scope, request, ctx) => flights.land(scope, request, ctx),
  };
}
