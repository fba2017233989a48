import { DurableObject } from "cloudflare:workers";
import type { TraceCarrier } from "../core/trace-carrier.ts";
import type { JoinAnswer, JoinRequest, FlightResult } from "../core/flight-port.ts";
import type { NewId } from "../core/random.ts";
import { createFlights, type Flights } from "./flights.ts";
import type { Clock, Millis } from "../core/time.ts";

/** What the Durable Object answers to. */
export interface FlightShardRpc {
  /** `onWait` is told at once if it is another's load that the answer waits for. */
  join(request: JoinRequest, onWait: () => void): Promise<JoinAnswer>;
  land(request: { key: string; lease: string; landing: FlightResult }): Promise<void>;
}

/** Runs a method as a span under its caller's. */
type Tracer = <T>(
  method: string,
  carrier: TraceCarrier | undefined,
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

    join(request: JoinRequest, onWait: () => void | Promise<void>): Promise<JoinAnswer> {
      // A call back to the reader, who may be gone.
      const tell = (): void => void Promise.resolve(onWait()).catch(() => undefined);
      return this.#traced(
        "FlightShard/join",
        request.carrier,
        () => this.#flights.join(request, tell),
        (work) => this.ctx.waitUntil(work),
      );
    }

    land(request: { key: string; lease: string; landing: FlightResult }): Promise<void> {
      return Promise.resolve(this.#flights.land(request));
    }
  };
}
