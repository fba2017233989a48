import type { Config } from "../config.ts";
import type { BreakerName, BreakerReport } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import type { Degradation } from "../core/degradation.ts";
import type { CacheEvent } from "../core/events.ts";
import type { Coherence } from "../engine/coherence.ts";
import type { Engine } from "../engine/engine.ts";
import { createLevelPin } from "../engine/level-pin.ts";
import type { Database } from "../origin/neon.ts";
import { originFault } from "../origin/fault.ts";
import { ping } from "../origin/ping.ts";
import { sleep } from "../platform.ts";
import type { RedisClient } from "../redis/client.ts";
import { createPinStore } from "../redis/pin-store.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createDegradation, type DegradationOptions } from "../resilience/degradation.ts";

export interface DegradationParts {
  readonly engine: Engine;
  readonly coherence: Coherence;
  readonly db: Database;
  readonly redis: RedisClient;
  readonly config: Config;
  readonly breakers: Readonly<Record<BreakerName, BreakerReport>>;
  readonly deliveries: DegradationOptions["deliveries"];
  readonly emit: (event: CacheEvent) => void;
}

/** Builds the part that follows the dependencies and chooses the level of service. */
export function composeDegradation(parts: DegradationParts): Degradation {
  const { engine, coherence, db, redis, config, breakers, deliveries, emit } = parts;
  const pins = createLevelPin({
    store: createPinStore(redis, config.namespace),
    engine,
    invalidator: coherence,
    withTimeout,
  });
  const watched = {
    sql: { ...brokenAs(breakers.sql), ask: () => ping(db).then(OK, FAILED) },
    redis: {
      ...brokenAs(breakers.redis),
      ask: (ctx: Context) =>
        coherence
          .ensureCurrent(ctx.now(), 0, ctx)
          .then((state) => (state === "current" ? OK() : FAILED())),
      slowMs: config.settings.redis.timeoutMs / 4,
    },
    flight: brokenAs(breakers.flight),
    log: brokenAs(breakers.log),
    limiter: brokenAs(breakers.limiter),
    session: brokenAs(breakers.session),
    http: brokenAs(breakers.http),
    model: brokenAs(breakers.model),
  };
  return createDegradation({ watched, pins, deliveries, withTimeout, sleep, emit });
}

/** Returns a function that throws at the level minimal, so that a write is refused before it begins. */
export function refuseWhenMinimal(degradation: Degradation): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    if ((await degradation.level(ctx)) !== "minimal") return;
    throw originFault("origin.open", "writes are refused at the level of service minimal");
  };
}

function brokenAs(breaker: BreakerReport) {
  return { isBroken: () => breaker.status().state !== "closed" };
}

const OK = () => "ok" as const;
const FAILED = () => "failed" as const;
