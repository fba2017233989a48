/** Isolates of the data cache, with a clock of their own and a count of the requests to their store. */
import { keepAlive } from "../../src/keep-alive.ts";
import { env } from "cloudflare:workers";
import { createDataLayer } from "../../src/compose/data-layer.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import type { DataOptions } from "../../src/data/options.ts";
import type { Shared } from "../../src/data/shared.ts";
import type { Cache } from "../../src/data/cache.ts";
import type { Strata } from "../../src/data/strata.ts";
import { durable } from "../../src/entries/durable.ts";
import { redis } from "../../src/entries/redis.ts";
import { createTestClock, type TestClock } from "./isolate.ts";

/** The shared stores that the tests of the data cache run with. */
export const SHARED_STORES = ["Redis", "one Durable Object", "two Durable Objects"] as const;
/** The stores of the data cache that the tests of its methods run with. */
export const STORES = ["the log of the data centre", ...SHARED_STORES] as const;
export type StoreName = (typeof STORES)[number];

/** A busy machine neither ends the waits nor makes a call slow. */
const PATIENT = { timeout: "10s", breaker: { slow: "1m" } } as const;

/** Opens the shared store of a name. */
const OPEN: Readonly<Record<(typeof SHARED_STORES)[number], () => Shared>> = {
  Redis: () =>
    redis({
      url: env.UPSTASH_REDIS_REST_URL,
      token: env.UPSTASH_REDIS_REST_TOKEN,
      requests: { timeout: PATIENT.timeout },
      breaker: PATIENT.breaker,
    }),
  "one Durable Object": () => durable(env.STRATA, PATIENT),
  "two Durable Objects": () => durable(env.STRATA, { ...PATIENT, shards: 1 }),
};

export interface DataIsolate {
  readonly strata: Strata;
  readonly clock: TestClock;
  readonly events: CacheEvent[];
  /** Opens the cache of one piece of work. */
  open(): Cache;
  /** The number of calls of one method of the store. */
  countOf(method: keyof SharedStore): number;
  /** Waits until all deferred work has ended. */
  settle(): Promise<void>;
}

export interface DataIsolateOptions extends Omit<DataOptions, "shared"> {
  readonly namespace: string;
  readonly store: StoreName;
  readonly clock?: TestClock;
}

/** Counts the calls of a store. */
function counted(shared: Shared, counts: Map<string, number>): Shared {
  return {
    open(parts) {
      const opened = shared.open(parts);
      const store = new Proxy(opened.store, {
        get(target, name: string) {
          const method = target[name as keyof SharedStore] as (...args: unknown[]) => unknown;
          return (...args: unknown[]) => {
            counts.set(name, (counts.get(name) ?? 0) + 1);
            return method.apply(target, args);
          };
        },
      });
      return { ...opened, store };
    },
  };
}

export function createDataIsolate(options: DataIsolateOptions): DataIsolate {
  const { store, clock = createTestClock(), ...more } = options;
  const events: CacheEvent[] = [];
  const counts = new Map<string, number>();
  const shared = store === "the log of the data centre" ? undefined : OPEN[store]();
  const deferred = new Set<Promise<unknown>>();
  const waitUntil = (work: Promise<unknown>): void => {
    deferred.add(work);
    void work.finally(() => deferred.delete(work));
  };
  const strata = createDataLayer(
    {
      ...more,
      onEvent: (event) => void events.push(event),
      ...(shared && { shared: counted(shared, counts) }),
    },
    { now: clock.now, random: () => 0, newId: () => crypto.randomUUID(), sleep: clock.sleep },
    (work) => {
      waitUntil(work);
      keepAlive(work);
    },
  );
  return {
    strata,
    clock,
    events,
    open: () => strata.open({ waitUntil }),
    countOf: (method) => counts.get(method) ?? 0,
    async settle() {
      while (deferred.size > 0) await Promise.all(deferred);
    },
  };
}
