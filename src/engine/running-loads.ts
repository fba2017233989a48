/** Finds the load in which a read is made, whatever reader makes it. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { DependencyCollector } from "./dependency-collector.ts";

export interface RunningLoads {
  /** Runs a load. Reads that it makes belong to its collector, also in functions that it calls. */
  run<T>(collector: DependencyCollector, load: () => Promise<T>): Promise<T>;
  /** Returns the collector of the innermost load that the caller runs in. Undefined outside all loads. */
  current(): DependencyCollector | undefined;
}

export function createRunningLoads(): RunningLoads {
  const collectors = new AsyncLocalStorage<DependencyCollector>();
  let running = 0;
  return {
    async run(collector, load) {
      running++;
      try {
        return await collectors.run(collector, load);
      } finally {
        running--;
      }
    },
    // Most hits happen while no load runs. They do not pay for the lookup of the async context.
    current: () => (running === 0 ? undefined : collectors.getStore()),
  };
}
