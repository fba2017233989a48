import { env } from "cloudflare:workers";
import type { FlightResult } from "../../src/core/flight-port.ts";
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";

export interface FlightsSpy {
  /** The binding to hand to a test isolate. */
  readonly FLIGHTS: DurableObjectNamespace;
  /** How many joins were sent through the binding. */
  joins(): number;
  /** The results that leaders sent. */
  readonly landed: FlightResult[];
  /** Resolves once `count` joins were sent. */
  joined(count: number): Promise<void>;
}

/**
 * The real flight objects behind a binding that counts joins. With `lost` no landing reaches them,
 * as if each leader died.
 */
export function watchFlights(landings: "sent" | "lost" = "sent"): FlightsSpy {
  let joins = 0;
  const landed: FlightResult[] = [];
  const waiting = new Set<{ count: number; resolve: () => void }>();
  const namespace = env.FLIGHTS;

  function count(): void {
    joins++;
    for (const waiter of waiting) {
      if (joins < waiter.count) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  }

  return {
    FLIGHTS: fakeNamespace((...args) => {
      const stub = namespace.get(...args) as unknown as FlightShardRpc;
      return {
        join(request, onWait) {
          const answer = stub.join(request, onWait);
          count();
          return answer;
        },
        land(request) {
          landed.push(request.landing);
          return landings === "sent" ? stub.land(request) : Promise.withResolvers<void>().promise;
        },
        ping: () => stub.ping(),
      };
    }),
    joins: () => joins,
    landed,
    joined(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (joins >= count) resolve();
      else waiting.add({ count, resolve });
      return promise;
    },
  };
}

/** A binding that returns the objects of `get`. */
export function fakeNamespace(
  get: (...args: Parameters<DurableObjectNamespace["get"]>) => FlightShardRpc,
): DurableObjectNamespace {
  const fake = {
    idFromName: (name: string) => env.FLIGHTS.idFromName(name),
    get,
  };
  return fake as unknown as DurableObjectNamespace;
}
