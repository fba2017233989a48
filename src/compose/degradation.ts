import type { Settings } from "../config/settings.ts";
import type { Context } from "../core/context.ts";
import type { Degradation } from "../core/degradation.ts";
import type { CacheEvent } from "../core/events.ts";
import type { Coherence } from "../engine/coherence.ts";
import type { Engine } from "../engine/engine.ts";
import { createLevelPin } from "../engine/level-pin.ts";
import type { Database } from "../origin/neon.ts";
import { ping } from "../origin/ping.ts";
import { sleep } from "../platform.ts";
import type { RedisClient } from "../redis/client.ts";
import { createPinStore } from "../redis/pin-store.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createDegradation } from "../resilience/degradation.ts";

export interface DegradationParts {
  readonly engine: Engine;
  readonly coherence: Coherence;
  readonly db: Database;
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly settings: Settings;
  readonly emit: (event: CacheEvent) => void;
}

/** Builds the part that follows the dependencies and chooses the level of service. */
export function composeDegradation(parts: DegradationParts): Degradation {
  const { engine, coherence, db, redis, namespace, settings, emit } = parts;
  const pins = createLevelPin({
    store: createPinStore(redis, namespace),
    engine,
    invalidator: coherence,
    withTimeout,
  });
  const watched = {
    origin: { ask: () => ping(db).then(OK, FAILED) },
    redis: {
      ask: (ctx: Context) =>
        coherence
          .ensureCurrent(ctx.now(), 0, ctx)
          .then((state) => (state === "current" ? OK() : FAILED())),
      slowMs: settings.redis.timeoutMs / 4,
    },
    flight: {},
    limit: {},
  };
  return createDegradation({ watched, pins, withTimeout, sleep, emit });
}

const OK = () => "ok" as const;
const FAILED = () => "failed" as const;
