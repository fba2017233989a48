import type { Config } from "../config.ts";
import type { Bindings } from "../config/variables.ts";
import type { Breaker } from "../core/breaker.ts";
import type { FlightPort } from "../core/flight-port.ts";
import { createFlightPort } from "../durable/flight-port.ts";
import { flightStub } from "../durable/stubs.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { withFlightBreaker } from "../resilience/flight-breaker.ts";
import { withSpans } from "../telemetry/metered-flights.ts";

/** Builds the port to the flight objects, with its breaker and its spans. */
export function composeFlights(
  { FLIGHTS }: Bindings,
  { namespace, settings: { flights } }: Config,
  breaker: Breaker,
): FlightPort {
  const port = createFlightPort({
    stub: (name, region) => flightStub(FLIGHTS, name, region),
    namespace,
    shards: flights.shards,
    grantMs: flights.grantTimeoutMs,
    slackMs: flights.slackMs,
    withTimeout,
  });
  return withSpans(withFlightBreaker(port, breaker));
}
