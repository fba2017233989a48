/** Finds the load in which a read is made, whatever reader makes it. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { DependencyCollector } from "./dependency-collector.ts";
import type { LoadSlot } from "./load-slot.ts";

export interface RunningLoads {
  /** Runs a load. Reads that it makes belong to its collector, also in functions that it calls. */
  run<T>(collector: DependencyCollector, load: () => Promise<T>): Promise<T>;
  /** Runs a load that holds an origin slot. */
  runWithSlot<T>(slot: LoadSlot, load: () => Promise<T>): Promise<T>;
  /** Runs a read. The load that makes it, if a load does, may be without its slot meanwhile. */
  waitFor<T>(read: () => Promise<T>): Promise<T>;
  /** Starts work that no running load waits for. */
  outside<T>(work: () => T): T;
  /** How many loads run in the isolate. While none runs, no read need ask for `current`. */
  readonly count: number;
  /** Returns the collector of the innermost load that the caller runs in. Undefined outside all loads. */
  current(): DependencyCollector | undefined;
  /** Returns the slot of the innermost load with a slot that the caller runs in, unless that load has ended. */
  slot(): LoadSlot | undefined;
}

/** What the code of a load runs in. */
interface Frame {
  readonly collector: DependencyCollector | undefined;
  readonly slot: LoadSlot | undefined;
}

const OUTSIDE: Frame = { collector: undefined, slot: undefined };

export function createRunningLoads(): RunningLoads {
  const frames = new AsyncLocalStorage<Frame>();
  const current = (): Frame => frames.getStore() ?? OUTSIDE;

  async function enter<T>(frame: Frame, load: () => Promise<T>): Promise<T> {
    loads.count++;
    try {
      return await frames.run(frame, load);
    } finally {
      loads.count--;
    }
  }

  const loads = {
    count: 0,
    run: <T>(collector: DependencyCollector, load: () => Promise<T>) =>
      enter({ ...current(), collector }, load),
    runWithSlot: <T>(slot: LoadSlot, load: () => Promise<T>) => enter({ ...current(), slot }, load),
    waitFor: <T>(read: () => Promise<T>) => loads.slot()?.during(read) ?? read(),
    outside: <T>(work: () => T) => (loads.count === 0 ? work() : frames.run(OUTSIDE, work)),
    current: () => current().collector,
    slot(): LoadSlot | undefined {
      if (loads.count === 0) return undefined;
      const { slot } = current();
      return slot?.hasEnded() === true ? undefined : slot;
    },
  };
  return loads;
}
