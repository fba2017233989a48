import { count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import type { Flights } from "../data/shared.ts";
import { createFlightPort } from "../durable/flight-port.ts";
import { flightStub } from "../durable/stubs.ts";
import { flightStepOf } from "../engine/join-flight.ts";
import { withFlightBreaker } from "../resilience/flight-breaker.ts";
import {
  BREAKER_RULES,
  guardFlights,
  type BreakerOptions,
  type BreakerSettings,
} from "./store-guard.ts";

/** The options of `flights`. */
export interface FlightOptions {
  /** The number of objects over which the keys of a region are distributed. @default 16 */
  readonly shards?: number;
  /** Time limit for an object to grant a lease. @default "1s" */
  readonly grantTimeout?: Duration;
  /** The time that an object may take to answer after the wait of a follower has ended. @default "1s" */
  readonly slack?: Duration;
  /** The circuit breaker of the objects. @default those of `BreakerOptions` */
  readonly breaker?: BreakerOptions;
}

type Own = Omit<FlightOptions, "breaker">;

const RULES: OptionTable<{ readonly flights: Own; readonly breaker?: BreakerOptions }> = {
  flights: {
    shards: count(16, 1, 1_024),
    grantTimeout: duration("1s", 1, 60_000),
    slack: duration("1s", 1, 60_000),
  },
  breaker: BREAKER_RULES,
};

interface Settings {
  readonly flights: {
    readonly shards: number;
    readonly grantTimeoutMs: Millis;
    readonly slackMs: Millis;
  };
  readonly breaker: BreakerSettings;
}

/**
 * Makes the Durable Objects with which several isolates share one load. The Worker exports the class
 * `FlightShard` and binds it.
 *
 * @param objects the binding of the class `FlightShard`
 * @throws {DefinitionError} that lists every wrong option, or says that the binding is missing
 * @example
 * import { env } from "cloudflare:workers";
 *
 * export { FlightShard, StrataStore } from "strata/durable";
 *
 * const strata = createStrata({ namespace: "shop", shared: durable(env.STRATA), flights: flights(env.FLIGHTS) });
 */
export function flights(
  objects: DurableObjectNamespace | undefined,
  options: FlightOptions = {},
): Flights {
  if (objects === undefined) throw new DefinitionError("flights", "the binding is missing");
  const { breaker: breakerOptions = {}, ...own } = options;
  const { values, problems } = readOptions({ flights: own, breaker: breakerOptions }, RULES);
  if (problems.length > 0) throw new DefinitionError("options", problems.join("; "));
  const { flights: settings, breaker } = values as unknown as Settings;
  const { shards, grantTimeoutMs, slackMs } = settings;

  return {
    open({ namespace, withTimeout, ...parts }) {
      const port = createFlightPort({
        stub: (name, region) => flightStub(objects, name, region),
        namespace,
        shards,
        grantMs: grantTimeoutMs,
        slackMs,
        withTimeout,
      });
      const guard = { ...parts, breaker, timeoutMs: grantTimeoutMs, probe: () => port.probe() };
      return {
        stepOf: (change) => flightStepOf(change(withFlightBreaker(port, guardFlights(guard)))),
        grantTimeoutMs,
      };
    },
  };
}
