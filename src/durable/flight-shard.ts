import { DurableObject } from "cloudflare:workers";
import type { TraceCarrier } from "../core/trace-carrier.ts";
import type { JoinAnswer, JoinRequest, FlightResult } from "../core/flight-port.ts";
import type { NewId } from "../core/random.ts";
import { createFlights, type Flights } from "./flights.ts";
import type { Clock } from "../core/time.ts";
import type { ObjectClass } from "./object-class.ts";

/** The methods that isolates call. */
export interface FlightShardRpc {
  /** Joins a flight. `onWait` is called at once if the answer has to wait for another lookup's load. */
  join(request: JoinRequest, onWait: () => void): Promise<JoinAnswer>;
  land(request: { key: string; lease: string; landing: FlightResult }): Promise<void>;
  /** Does nothing. An isolate calls it to learn whether the object answers again. */
  ping(): Promise<void>;
}

/** Runs a method as a span. Its parent is the span of the caller. */
type Tracer = <T>(
  method: string,
  carrier: TraceCarrier | undefined,
  call: () => Promise<T>,
  waitUntil: (work: Promise<unknown>) => void,
) => Promise<T>;

export interface FlightShardOptions<Env> {
  readonly now: Clock;
  readonly newId: NewId;
  /** Reports each join as a span. Default: joins are not reported. */
  readonly createTracer?: (env: Env) => Tracer;
}

/** The limits of a flight object. */
const LIMITS = {
  lingerMs: 2_000,
  // The 16 objects of a region may share an isolate, so that together they keep at most half of its 128 MiB.
  maxKeptBytes: 4 * 2 ** 20,
};

const UNTRACED: Tracer = (_method, _carrier, call) => call();

/**
 * The Durable Object that grants leases for the keys of one shard. It stores nothing on disk: if it
 * is lost, its flights are lost, and each lookup calls its own loader.
 */
export function createFlightShard<Env>(
  options: FlightShardOptions<Env>,
): ObjectClass<Env, FlightShardRpc> {
  return class FlightShard extends DurableObject<Env> implements FlightShardRpc {
    readonly #traced = options.createTracer?.(this.env) ?? UNTRACED;
    readonly #flights: Flights = createFlights({
      now: options.now,
      newId: options.newId,
      ...LIMITS,
      after: (ms, call) => {
        const timer = setTimeout(call, ms);
        return () => clearTimeout(timer);
      },
    });

    join(request: JoinRequest, onWait: () => void | Promise<void>): Promise<JoinAnswer> {
      // The callback is a remote call. It fails if the waiting lookup has ended.
      const notify = (): void => void Promise.resolve(onWait()).catch(() => undefined);
      return this.#traced(
        "FlightShard/join",
        request.carrier,
        () => this.#flights.join(request, notify),
        (work) => this.ctx.waitUntil(work),
      );
    }

    land(request: { key: string; lease: string; landing: FlightResult }): Promise<void> {
      return Promise.resolve(this.#flights.land(request));
    }

    ping(): Promise<void> {
      return Promise.resolve();
    }
  };
}
