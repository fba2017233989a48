/** Isolates of one application that share Redis and the edge, each with a data cache of its own. */
import { env } from "cloudflare:workers";
import { createDataLayer } from "../../src/compose/data-layer.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { redis } from "../../src/entries/redis.ts";
import type { DataOptions } from "../../src/data/options.ts";
import type { Strata } from "../../src/data/strata.ts";
import { keepAlive } from "../../src/keep-alive.ts";
import { createTestClock, uniqueNamespace, type TestClock } from "../support/isolate.ts";

/** Longer than the default coherence bound. */
export const WINDOW_MS = 1_100;

export interface StrataIsolate {
  readonly strata: Strata;
  readonly events: CacheEvent[];
}

export interface StrataIsolates {
  readonly namespace: string;
  readonly clock: TestClock;
  /** Starts an isolate. */
  start(): StrataIsolate;
  /** Starts an isolate without a shared store. It has the log of its data centre, in the Cache API. */
  startAlone(): StrataIsolate;
}

export function createIsolates(): StrataIsolates {
  const namespace = uniqueNamespace();
  const clock = createTestClock();

  function start(options: Omit<DataOptions, "namespace">): StrataIsolate {
    const events: CacheEvent[] = [];
    const strata = createDataLayer(
      { namespace, onEvent: (event) => events.push(event), ...options },
      {
        now: clock.now,
        random: () => 0,
        newId: () => crypto.randomUUID(),
        sleep: (ms) => clock.sleep(ms),
      },
      keepAlive,
    );
    return { strata, events };
  }

  return {
    namespace,
    clock,
    start: () => start({ shared: testRedis() }),
    startAlone: () => start({}),
  };
}

/** A machine that is busy with tests makes no request to Redis slow. */
const testRedis = () =>
  redis({
    url: env.UPSTASH_REDIS_REST_URL,
    token: env.UPSTASH_REDIS_REST_TOKEN,
    requests: { timeout: "10s" },
    breaker: { slow: "1m" },
  });
