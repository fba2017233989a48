/**
 * One isolate whose invocations the platform may end at any wait. After its end, an invocation gets no
 * answer, none of its timers fires, and no `finally` of it runs. The isolate and its other invocations
 * go on.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createContext } from "../../src/core/context.ts";
import type { DataReader } from "../../src/core/data-reader.ts";
import { done, failed } from "../../src/core/faults.ts";
import type { Context } from "../../src/core/context.ts";
import { createFlightPort } from "../../src/durable/flight-port.ts";
import { createFlights } from "../../src/durable/flights.ts";
import type { Coherence } from "../../src/engine/coherence.ts";
import { createEngineParts } from "../../src/engine/create-engine.ts";
import { ENTRY_PARTS } from "../../src/engine/entry-parts.ts";
import { flightStepOf } from "../../src/engine/join-flight.ts";
import type { Slots } from "../../src/core/origin-slots.ts";
import { createReader } from "../../src/engine/reader.ts";
import { createWarmer } from "../../src/engine/warm.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { createWriteBehind } from "../../src/writes/behind.ts";
import { createWriteThrough } from "../../src/writes/through.ts";
import { createEdges } from "./edge-model.ts";
import { WIDE } from "./limits.ts";
import { createRedisModel } from "./redis-model.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const ORIGIN_TIMEOUT_MS = 2_000;
export const REDIS_TIMEOUT_MS = 1_000;
/** The time limit of a whole read: two loads, and the steps beside them. */
export const DEADLINE_MS = 2 * ORIGIN_TIMEOUT_MS + 2_500;
const SLOTS = 3;

/** One request. It ends for good when it waits for the `lives`-th time. */
export interface Invocation {
  lives: number;
}

export interface KilledIsolate {
  readonly coherence: Coherence;
  /** The number of origin slots that are taken. */
  readonly slotsTaken: number;
  /** Runs `work` in an invocation that may wait `waits` times. Returns its outcome, if it comes to one. */
  invoke<T>(waits: number, work: (reader: DataReader, ctx: Context) => Promise<T>): Promise<T>;
  writeBehind: ReturnType<typeof createWriteBehind>;
}

export function createKilledIsolate(time: VirtualTime): KilledIsolate {
  const invocations = new AsyncLocalStorage<Invocation>();

  /** A wait of the current invocation. It never ends if the invocation has ended before or meanwhile. */
  function wait<T>(work: () => Promise<T>): Promise<T> {
    const invocation = invocations.getStore() ?? { lives: Infinity };
    if (--invocation.lives <= 0) {
      // The request may have been sent: half of them are.
      if (invocation.lives === 0 && time.random() < 0.5) void work().catch(() => undefined);
      return new Promise(() => undefined);
    }
    return new Promise((resolve, reject) => {
      work().then(
        (value) => {
          if (invocation.lives > 0) resolve(value);
        },
        (error: unknown) => {
          if (invocation.lives > 0) reject(error);
        },
      );
    });
  }

  /** The same port, each of whose methods is a wait. */
  function waiting<T extends object>(port: T): T {
    return new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) =>
          wait(() => Reflect.apply(method, target, args) as Promise<unknown>);
      },
    });
  }

  const redis = createRedisModel({
    limits: WIDE,
    fault: "none",
    time,
    lagMs: 50,
    timeoutMs: REDIS_TIMEOUT_MS,
  });
  redis.lossy = false;
  const withTimeout: VirtualTime["withTimeout"] = (work, ms) =>
    wait(() => time.withTimeout(work, ms));
  const flights = createFlights({
    now: time.now,
    newId: time.newId,
    after: time.after,
    lingerMs: 2_000,
    maxKeptBytes: 2 ** 20,
  });
  const slots = createSlots(time, wait);
  const { coherence, engine, batch, callOrigin, loads } = createEngineParts({
    entries: ENTRY_PARTS,
    memory: createMemoryTier({ maxBytes: 1 << 20, maxEntries: 100 }),
    edge: waiting(createEdges(time, () => false).edgeOf("a")),
    store: waiting(redis.store),
    createFlightStep: flightStepOf(
      createFlightPort({
        stub: () => ({
          join: async (request, onWait) => {
            await wait(() => time.sleep(time.random() * 20));
            return wait(() =>
              flights.join(request, () => void time.after(time.random() * 20, onWait)),
            );
          },
          land: async (request) => {
            await wait(() => time.sleep(time.random() * 20));
            flights.land(request);
          },
          ping: () => wait(() => time.sleep(time.random() * 20)),
        }),
        namespace: "n",
        shards: 1,
        grantMs: 500,
        slackMs: 1_000,
        withTimeout,
      }),
    ),
    slots: slots.port,
    withTimeout,
    random: time.random,
    storeTimeoutMs: REDIS_TIMEOUT_MS,
    maxLandingChars: 1 << 20,
    stepsTimeoutMs: 2_500,
  });
  const warmer = createWarmer({
    store: waiting(redis.store),
    coherence,
    callOrigin,
    random: time.random,
  });
  const etagOf = (): Promise<string> => Promise.resolve('"e"');

  return {
    coherence,
    get slotsTaken() {
      return slots.taken();
    },
    invoke(waits, work) {
      const ctx = createContext({
        now: time.now,
        host: "a",
        region: "eu",
        waitUntil: () => undefined,
        emit: () => undefined,
      });
      const parts = { engine, batch, warmer, loads, etagOf, onLookup: () => undefined };
      return invocations.run({ lives: waits }, () => work(createReader(parts, ctx), ctx));
    },
    writeBehind: createWriteBehind({
      queue: {
        send: () =>
          wait(async () => {
            await time.sleep(time.random() * 20);
            return done(undefined);
          }),
      },
      invalidator: coherence,
      through: createWriteThrough({ engine, etagOf }),
    }),
  };
}

/** Slots in virtual time. As in the bulkhead, a slot that is not released is free after `holdMs`. */
function createSlots(time: VirtualTime, wait: <T>(work: () => Promise<T>) => Promise<T>) {
  const taken = new Set<{ readonly until: number }>();
  const removeExpired = (): void => {
    for (const slot of taken) if (time.now() >= slot.until) taken.delete(slot);
  };
  const acquire: Slots["acquire"] = ({ waitMs, holdMs }) =>
    wait(async () => {
      const end = time.now() + waitMs;
      for (;;) {
        removeExpired();
        if (taken.size < SLOTS) {
          const slot = { until: time.now() + holdMs };
          taken.add(slot);
          return done(() => void taken.delete(slot));
        }
        if (time.now() >= end) return failed("origin.saturated", "no slot");
        await time.sleep(20);
      }
    });
  return {
    port: { acquire },
    taken() {
      removeExpired();
      return taken.size;
    },
  };
}
