/** The clock, randomness, network and timers of workerd. Everything else receives them as options. */
import { createContext, type Context } from "./core/context.ts";
import type { NewId, Random } from "./core/random.ts";
import type { Clock, Millis } from "./core/time.ts";

/** The clock and the sources of randomness of one layer. Tests pass their own. */
export interface Platform {
  readonly now: Clock;
  readonly random: Random;
  readonly newId: NewId;
}

export const platform: Platform = {
  // `now` and `random` are not wrapped, because a wrapper would add one call to every hit.
  now: Date.now,
  random: Math.random,
  newId: () => crypto.randomUUID(),
};

/** The platform with the network and timers, which the exporters of telemetry use. */
export const exporterPlatform = {
  ...platform,
  fetch: (url: string, init: RequestInit) => fetch(url, init),
  sleep: (ms: Millis) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
};

/**
 * Returns a context for work that no request asked for, such as the cron trigger. `waitUntil`
 * keeps the isolate alive until the work has ended. Events of this work are discarded.
 *
 * @example
 * export default {
 *   async scheduled(_event, env, executionCtx) {
 *     const strata = createStrata(env);
 *     await strata.scheduled(backgroundContext((work) => executionCtx.waitUntil(work)));
 *   },
 * } satisfies ExportedHandler<Bindings>;
 */
export function backgroundContext(waitUntil: (work: Promise<unknown>) => void): Context {
  return createContext({
    now: platform.now,
    host: "background.invalid",
    region: "local",
    waitUntil,
    emit: () => undefined,
  });
}
