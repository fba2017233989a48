import { done } from "../core/faults.ts";
import type { FlightPort } from "../core/flight-port.ts";
import type { Gather } from "./gather.ts";

/**
 * The number of keys of a batch that join flights. One load in a flight sends two requests, and an
 * invocation may send 1,000. The other keys load without a lease.
 */
const MAX_FLIGHTS = 100;

/** The reads of the batch do not wait for a read that waits for the load of another isolate. */
export function gatherFlights(flights: FlightPort, gather: Gather): FlightPort {
  const keys = new Set<string>();
  return {
    ...flights,
    async join(scope, request, ctx, onWait) {
      const { key } = request;
      if (keys.size >= MAX_FLIGHTS && !keys.has(key)) return done({ role: "late" });
      keys.add(key);
      let isWaiting = true;
      const answer = await flights.join(scope, request, ctx, () => {
        onWait?.();
        if (isWaiting) gather.pause(key);
      });
      isWaiting = false;
      gather.resume(key);
      return answer;
    },
  };
}
