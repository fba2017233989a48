/** An origin of fixed capacity and its clients, in virtual time. */
import { createContext } from "../../../src/core/context.ts";
import type { ShedReason, SlotPriority, Slots } from "../../../src/core/origin-slots.ts";
import { definePolicy } from "../../../src/core/policy.ts";
import { createOriginCall } from "../../../src/engine/origin-call.ts";
import { createRunningLoads } from "../../../src/engine/running-loads.ts";
import { createAdaptiveLimit } from "../../../src/resilience/adaptive-limit.ts";
import { createBulkhead } from "../../../src/resilience/bulkhead.ts";
import { createVirtualTime, type VirtualTime } from "../virtual-time.ts";

const POLICY = definePolicy({ freshFor: "1m" });
const COHERENCE = {
  ensureCurrent: async () => "current" as const,
  logPosition: () => ({ asOf: 0, era: "e" }),
};

/**
 * A database that works on `workers` queries at a time, each for `serviceMs` on average, in the order
 * of arrival. A query whose caller has given up is worked on all the same.
 */
function createModelOrigin(time: VirtualTime, workers: number, serviceMs: number) {
  const queue: (() => void)[] = [];
  let free = workers;
  let resumed: PromiseWithResolvers<void> | undefined;
  const origin = {
    queries: 0,
    /** Queries of callers that had left before the query began. */
    wasted: 0,
    slowdown: 1,
    freeze(): void {
      resumed = Promise.withResolvers();
    },
    resume(): void {
      resumed?.resolve();
      resumed = undefined;
    },
    async query(): Promise<void> {
      origin.queries++;
      if (free > 0) free--;
      else await new Promise<void>((resolve) => queue.push(resolve));
      await resumed?.promise;
      await time.sleep(serviceMs * origin.slowdown * (0.5 + time.random()));
      await resumed?.promise;
      const next = queue.shift();
      if (next === undefined) free++;
      else next();
    },
  };
  return origin;
}

export interface Attempt {
  readonly at: number;
  readonly endedAt: number;
  readonly priority: SlotPriority;
  readonly ended: "good" | "refused" | "failed" | "left";
  /** How long the call waited for its slot, if it got one. */
  readonly waitedMs: number | undefined;
}

export interface WorldOptions {
  readonly slots?: number;
  readonly workers: number;
  readonly serviceMs: number;
  /** Default: the bulkhead as the layer composes it. */
  readonly createSlots?: (slots: number, time: VirtualTime) => Slots;
}

export function createWorld(time: VirtualTime, options: WorldOptions) {
  const { slots: maxSlots = 64, workers, serviceMs } = options;
  const { random, sleep, withTimeout } = time;
  const startedAt = time.now();
  const now = (): number => time.now() - startedAt;
  const shed: [SlotPriority, ShedReason][] = [];
  const bulkhead = createBulkhead({
    slots: maxSlots,
    limit: createAdaptiveLimit({ min: Math.ceil(maxSlots / 8), max: maxSlots }),
    slotWaitMs: 450,
    now,
    random,
    withTimeout,
    onShed: (priority, reason) => void shed.push([priority, reason]),
  });
  const slots: Slots = options.createSlots?.(maxSlots, time) ?? bulkhead;
  const origin = createModelOrigin(time, workers, serviceMs);
  const callOrigin = createOriginCall({
    coherence: COHERENCE as never,
    slots,
    loads: createRunningLoads(),
    withTimeout,
  });
  const attempts: Attempt[] = [];

  /** One load of a client that leaves after `patienceMs`. Returns whether it got its answer. */
  async function attempt(priority: SlotPriority, patienceMs: number): Promise<boolean> {
    const at = now();
    let hasLeft = false;
    let beganAt: number | undefined;
    const ctx = createContext({
      now,
      host: "model.test",
      region: "local",
      waitUntil: () => undefined,
      emit: () => undefined,
      hasLeft: () => hasLeft,
    });
    const call = {
      policy: POLICY,
      ctx,
      logReachable: false,
      takesSlot: true,
      priority,
      waitMs: POLICY.originTimeoutMs,
      isAbandoned: () => hasLeft,
    };
    const load = callOrigin(call, () => {
      if (hasLeft) origin.wasted++;
      beganAt = now();
      return origin.query();
    });
    const end = (ended: Attempt["ended"]): void => {
      const waitedMs = beganAt === undefined ? undefined : beganAt - at;
      attempts.push({ at, endedAt: now(), priority, ended, waitedMs });
    };
    const result = await withTimeout(load, patienceMs).catch(() => undefined);
    if (result === undefined) {
      hasLeft = true;
      end("left");
      return false;
    }
    if (result.ok) end("good");
    else end(result.fault.code === "origin.saturated" ? "refused" : "failed");
    return result.ok;
  }

  return {
    attempts,
    shed,
    origin,
    bulkhead,
    attempt,
    sleep,
    now,
    capacity: (workers / serviceMs) * 1_000,

    /** Sends `perSecond` clients a second until `untilMs`, at random instants. */
    async send(perSecond: number, untilMs: number, client: () => Promise<unknown>) {
      const running: Promise<unknown>[] = [];
      while (now() < untilMs) {
        running.push(client());
        await sleep((-Math.log(1 - random()) / perSecond) * 1_000);
      }
      await Promise.all(running);
    },

    /** A client that leaves after 2 s, and tries up to 3 times more at intervals of half a second. */
    async impatient(): Promise<void> {
      for (let tries = 0; tries < 4; tries++) {
        if (await attempt("read", 2_000)) return;
        await sleep(500);
      }
    },
  };
}

/** Runs the work in virtual time, and returns its result. */
export async function inVirtualTime<T>(work: (time: VirtualTime) => Promise<T>): Promise<T> {
  const time = createVirtualTime({ seed: 7 });
  let ended: { readonly result: T } | undefined;
  void work(time).then((result) => (ended = { result }));
  await time.run();
  if (ended === undefined) throw new Error("no timer is left, and the work has not ended");
  return ended.result;
}
