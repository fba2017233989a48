/** Finds the load in which a read is made, whatever reader makes it. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { DependencyCollector } from "./dependency-collector.ts";

export interface RunningLoads {
  /** Runs a load. Reads that it makes belong to its collector, also in functions that it calls. */
  run<T>(collector: DependencyCollector, load: () => Promise<T>): Promise<T>;
  /** How many loads run in the isolate. While none runs, no read need ask for `current`. */
  readonly count: number;
  /** Returns the collector of the innermost load that the caller runs in. Undefined outside all loads. */
  current(): DependencyCollector | undefined;
}

export function createRunningLoads(): RunningLoads {
  const collectors = new AsyncLocalStorage<DependencyCollector>();
  const loads = {
    count: 0,
    async run<T>(collector: DependencyCollector, load: () => Promise<T>): Promise<T> {
      loads.count++;
      try {
        return await collectors.run(collector, load);
      } finally {
        loads.count--;
      }
    },
    current: () => collectors.getStore(),
  };
  return loads;
}
