/** The flight objects of a simulated cluster. */
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";
import { createFlights, type Flights } from "../../src/durable/flights.ts";
import type { PlantedFault } from "./faults.ts";
import { plantInFlights, plantInStub } from "./part-faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface FlightModelOptions {
  readonly time: VirtualTime;
  readonly fault: PlantedFault;
  readonly keptBytes: number;
  /** Resolves when a call has reached its object. Rejects if the objects are gone. */
  readonly reachObject: () => Promise<void>;
}

export function createFlightModel({ time, fault, keptBytes, reachObject }: FlightModelOptions) {
  const objects = new Map<string, Flights>();

  function objectOf(name: string): Flights {
    let flights = objects.get(name);
    if (flights === undefined) {
      const { now, newId, after } = time;
      const table = createFlights({
        ...{ now, newId, after, lingerMs: 2_000 },
        maxKeptBytes: keptBytes,
      });
      flights = plantInFlights(fault, table, keptBytes);
      objects.set(name, flights);
    }
    return flights;
  }

  return {
    /** Returns a stub of the object with this name. */
    stubOf: (name: string): FlightShardRpc =>
      plantInStub(fault, {
        async join(request, onWait) {
          await reachObject();
          return objectOf(name).join(request, () => void time.after(time.random() * 20, onWait));
        },
        async land(request) {
          await reachObject();
          objectOf(name).land(request);
        },
        ping: reachObject,
      }),
    /** Loses the state of the objects, as when they move. */
    dropObjects: () => objects.clear(),
  };
}
