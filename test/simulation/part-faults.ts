/** Planted faults in the parts of an isolate and of its objects: loads, flights, the relay, filters. */
import type { Invalidator } from "../../src/core/invalidator.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import type { FlightResult } from "../../src/core/flight-port.ts";
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";
import type { Flights } from "../../src/durable/flights.ts";
import type { Coherence } from "../../src/engine/coherence.ts";
import type { DependencyCollector } from "../../src/engine/dependency-collector.ts";
import type { RunningLoads } from "../../src/engine/running-loads.ts";
import type { PlantedFault } from "./faults.ts";

/** Returns the running loads that readers get. It may change those of the engine. */
export function plantInLoads(fault: PlantedFault, loads: RunningLoads): RunningLoads {
  if (fault === "nested-unseen")
    return { ...loads, run: (_collector, load) => load(), current: () => undefined };
  if (fault === "inner-mark-dropped")
    return withIncluded(loads, (lookup) => ({ ...lookup, unreachable: false }));
  if (fault === "inner-age-dropped")
    return withIncluded(loads, (lookup) => ({ ...lookup, currentAt: Infinity }));
  // The engine has the same object, and asks it for the slot that a load must give back.
  if (fault === "slot-kept") return Object.assign(loads, { slot: () => undefined });
  return loads;
}

type Include = DependencyCollector["include"];

function withIncluded(
  loads: RunningLoads,
  change: (lookup: Parameters<Include>[0]) => Parameters<Include>[0],
): RunningLoads {
  return {
    ...loads,
    get count() {
      return loads.count;
    },
    run(collector, load) {
      const { include } = collector;
      collector.include = (lookup) => include(change(lookup));
      return loads.run(collector, load);
    },
  };
}

/** Returns the invalidator that writers and the relay get. */
export function plantInInvalidator(fault: PlantedFault, invalidator: Invalidator): Invalidator {
  const withNumbers = (change: (numbers: readonly number[]) => readonly number[]): Invalidator => ({
    ...invalidator,
    async numbers(logKeys, ctx) {
      const answer = await invalidator.numbers(logKeys, ctx);
      return answer.ok ? { ok: true, value: change(answer.value) } : answer;
    },
  });
  if (fault === "mark-never-ends")
    return {
      ...invalidator,
      markInvalidated(logKeys) {
        const mark = invalidator.markInvalidated(logKeys);
        Object.defineProperty(mark, "answeredAt", {
          get: () => Infinity,
          set() {
            // It stays.
          },
        });
        return mark;
      },
      unmark: () => undefined,
    };
  if (fault === "lost-number-found")
    return withNumbers((numbers) => numbers.map((number) => (number === 0 ? Infinity : number)));
  return fault === "rows-mixed-up" ? withNumbers(newestForAll) : invalidator;
}

const newestForAll = (numbers: readonly number[]): readonly number[] =>
  numbers.map(() => Math.max(...numbers));

/** Returns the flights of one object. */
export function plantInFlights(fault: PlantedFault, flights: Flights, keptBytes: number): Flights {
  if (fault !== "older-landing-kept") return flights;
  const kept = new Map<string, FlightResult>();
  return {
    ...flights,
    land(landing) {
      const { key, landing: result } = landing;
      const isTooLarge = result.kind === "entry" && 2 * (key + result.entry).length > keptBytes;
      const older = isTooLarge ? kept.get(key) : undefined;
      if (older === undefined) kept.set(key, result);
      flights.land(older === undefined ? landing : { ...landing, landing: older });
    },
  };
}

/** Returns the stub of a flight object. */
export function plantInStub(fault: PlantedFault, stub: FlightShardRpc): FlightShardRpc {
  if (fault !== "followers-forgotten") return stub;
  return {
    ...stub,
    async join(request, onWait) {
      const answer = await stub.join(request, onWait);
      return answer.role === "follower" ? new Promise(() => undefined) : answer;
    },
  };
}

interface FilterPorts {
  readonly coherence: Coherence;
  readonly store: Pick<SharedStore, "sync">;
}

/** Returns the ports of the existence filters. */
export function plantInFilters(
  fault: PlantedFault,
  { coherence, store }: FilterPorts,
): FilterPorts {
  if (fault !== "filter-not-dated") return { coherence, store };
  return {
    coherence: { ...coherence, verdictOf: () => "valid" },
    store: {
      async sync(since, limit, ctx) {
        const answer = await store.sync(since, limit, ctx);
        return answer.ok ? { ok: true, value: { ...answer.value, changes: [] } } : answer;
      },
    },
  };
}
