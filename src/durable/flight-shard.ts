import { DurableObject } from "cloudflare:workers";
import type { JoinAnswer, JoinRequest, Landing, NewId } from "../core/ports.ts";
import { createFlights, type Flights } from "./flights.ts";
import type { Clock, Millis } from "../core/time.ts";

/** What the Durable Object answers to. */
export interface FlightShardRpc {
  join(request: JoinRequest): Promise<JoinAnswer>;
  land(request: { key: string; lease: string; landing: Landing }): Promise<void>;
}

export interface FlightShardOptions {
  readonly now: Clock;
  readonly newId: NewId;
  readonly lingerMs: Millis;
}

/**
 * The Durable Object that grants leases for the keys of one shard. It holds
 * nothing on disk: when it is lost, so are the flights, and readers load by themselves.
 */
export function createFlightShard(options: FlightShardOptions) {
  return class FlightShard extends DurableObject implements FlightShardRpc {
    readonly #flights: Flights = createFlights({
      ...options,
      after: (ms, call) => {
        const timer = setTimeout(call, ms);
        return () => clearTimeout(timer);
      },
    });

    join(request: JoinRequest): Promise<JoinAnswer> {
      return this.#flights.join(request);
    }

    land(request: { key: string; lease: string; landing: Landing }): Promise<void> {
      return Promise.resolve(this.#flights.land(request));
    }
  };
}
