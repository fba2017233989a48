import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import type { Breaker } from "../core/breaker.ts";
import type { FlightPort } from "../core/flight-port.ts";
import { createFlightPort, type ProbedFlightPort } from "../durable/flight-port.ts";
import { flightStub } from "../durable/stubs.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { withFlightBreaker } from "../resilience/flight-breaker.ts";
import { withSpans } from "../telemetry/metered-flights.ts";

/** Creates the port to the flight objects, without its breaker. */
export function composeFlightPort(bindings: Bindings, config: Config): ProbedFlightPort {
  const { shards, grantTimeoutMs, slackMs } = config.settings.flights;
  return createFlightPort({
    stub: (name, region) => flightStub(bindings.FLIGHTS, name, region),
    namespace: config.namespace,
    shards,
    grantMs: grantTimeoutMs,
    slackMs,
    withTimeout,
  });
}

/** Puts the port behind its breaker, and reports its calls as spans. */
export function composeFlights(port: FlightPort, breaker: Breaker): FlightPort {
  return withSpans(withFlightBreaker(port, breaker));
}
