import { cpus } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { percentile } from "./figures.ts";

/** How much of the machine a trial left unused. Without headroom a slow answer may be the machine's. */
export interface Headroom {
  /** The share of the processor time of all cores that no process used, in percent. */
  readonly idlePercent: number;
  /** The 99th percentile of the delay of the driver's event loop, in milliseconds. */
  readonly loopP99Ms: number;
  /** How late the driver began its visits, in milliseconds. */
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
  /** The clients that came in a second, by the plan of the drive. */
  readonly offered: number;
  /** The warm reads that the Worker answered in a second before the trial, with every core busy. */
  readonly capacity: number;
}

/** A trial is void if its driver began 1 % of the visits later than this. */
const LATE_MS = 40;
/** A trial is void if its clients ask for more than this share of what the machine bears. */
const MOST_OF_CAPACITY = 0.6;

/** What the driver measures itself; the stage knows the rest. */
export type DriverHeadroom = Omit<Headroom, "offered" | "capacity">;

export interface HeadroomMeter {
  stop(lateness: readonly number[]): DriverHeadroom;
}

export function measureHeadroom(): HeadroomMeter {
  const before = processorTimes();
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  return {
    stop(lateness) {
      loop.disable();
      const after = processorTimes();
      const all = after.all - before.all;
      return {
        idlePercent: all === 0 ? Number.NaN : ((after.idle - before.idle) / all) * 100,
        loopP99Ms: Math.max(0, loop.percentile(99) / 1e6 - 10),
        lateP99Ms: percentile(lateness, 0.99),
        lateMaxMs: Math.max(...lateness),
      };
    },
  };
}

/** Tests whether the driver was late or the machine busy, so that the figures say nothing about the Worker. */
export function isVoid({ lateP99Ms, offered, capacity }: Headroom): boolean {
  return lateP99Ms > LATE_MS || offered > capacity * MOST_OF_CAPACITY;
}

function processorTimes(): { readonly all: number; readonly idle: number } {
  let all = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    for (const ms of Object.values(times)) all += ms;
  }
  return { all, idle };
}
