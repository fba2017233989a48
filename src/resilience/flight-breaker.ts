import type { Breaker } from "../core/breaker.ts";
import type { FlightPort } from "../core/flight-port.ts";

/**
 * Puts joins behind a breaker. While the flight objects fail, each isolate loads for itself and
 * does not wait for them, not even for the probes.
 */
export function withFlightBreaker(flights: FlightPort, breaker: Breaker): FlightPort {
  return {
    join: (scope, request, ctx, onWait) =>
      breaker.run(() => flights.join(scope, request, ctx, onWait), ctx.defer),
    // Landings bypass the breaker, because followers wait for them. A failed landing says nothing about joins.
    land: (scope, request, ctx) => flights.land(scope, request, ctx),
  };
}
