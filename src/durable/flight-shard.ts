import { DurableObject } from "cloudflare:workers";
import type { Carrier, JoinAnswer, JoinRequest, Landing, NewId } from "../core/ports.ts";
import { createFlights, type Flights } from "./flights.ts";
import type { Clock, Millis } from "../core/time.ts";

/** What the Durable Object answers to. */
export interface FlightShardRpc {
  join(request: JoinRequest): Promise<JoinAnswer>;
  land(request: { key: string; lease: string; landing: Landing }): Promise<void>;
}

/** Runs a method as a span under its caller's. */
type Tracer = <T>(
  method: string,
  carrier: Carrier | undefined,
  call: () => Promise<T>,
  waitUntil: (work: Promise<unknown>) => void,
) => Promise<T>;

export interface FlightShardOptions<Env> {
  readonly now: Clock;
  readonly newId: NewId;
  readonly lingerMs: Millis;
  readonly createTracer: (env: Env) => Tracer;
}

/**
 * The Durable Object that grants leases for the keys of one shard. It holds
 * nothing on disk: when it is lost, so are the flights, and readers load by themselves.
 */
export function createFlightShard<Env>(options: FlightShardOptions<Env>) {
  return class FlightShard extends DurableObject<Env> implements FlightShardRpc {
    readonly #traced = options.createTracer(this.env);
    readonly #flights: Flights = createFlights({
      ...options,
      after: (ms, call) => {
        const timer = setTimeout(call, ms);
        return () => clearTimeout(timer);
      },
    });

    join(request: JoinRequest): Promise<JoinAnswer> {
      return this.#traced(
        "FlightShard/join",
        request.carrier,
        () => this.#flights.join(request),
        (work) => this.ctx.waitUntil(work),
      );
    }

    land(request: { key: string; lease: string; landing: Landing }): Promise<void> {
      return Promise.resolve(this.#flights.land(request));
    }
  };
}
