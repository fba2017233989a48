/** The clock, randomness, network and timers of workerd and Node. All other files receive them as options. */
import { toBase64 } from "./core/base64.ts";
import { createContext, type Context } from "./core/context.ts";
import type { HashKey } from "./core/keyed-hash.ts";
import type { NewId, Random } from "./core/random.ts";
import type { Clock, Millis } from "./core/time.ts";

/** The clock, the timer and the sources of randomness of one layer. Tests pass their own platform. */
export interface Platform {
  readonly now: Clock;
  readonly random: Random;
  readonly newId: NewId;
  readonly sleep: (ms: Millis) => Promise<void>;
}

export const platform: Platform = {
  // `now` and `random` are not wrapped, because a wrapper would add one call to every hit.
  now: Date.now,
  random: Math.random,
  newId: () => crypto.randomUUID(),
  sleep,
};

/** Makes the secret of a keyed hash. */
export function newHashKey(): HashKey {
  const [first = 0, second = 0] = crypto.getRandomValues(new Uint32Array(2));
  return [first, second];
}

/** Makes a secret of 256 random bits, as 43 characters of base64url. */
export function newSecret(): string {
  const text = toBase64(crypto.getRandomValues(new Uint8Array(32)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Returns bytes of the cryptographic source of randomness. */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** The platform together with the network, which the exporters of telemetry need. */
export const exporterPlatform = /* @__PURE__ */ withNetwork(platform);

function withNetwork(parts: Platform) {
  return { ...parts, fetch: (url: string, init: RequestInit) => fetch(url, init) };
}

/** Resolves after `ms` milliseconds. */
export function sleep(ms: Millis): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Calls `call` after `ms` milliseconds. Returns a function that cancels the call. */
export function after(ms: Millis, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

/**
 * Returns a context for work that does not belong to a request, such as the work of the cron
 * trigger. `waitUntil` keeps the isolate alive until the work has ended. Events of this work are
 * discarded.
 *
 * @example
 * export default {
 *   async scheduled(_event, env, executionCtx) {
 *     const strata = createStrata(env);
 *     await strata.jobs.scheduled(backgroundContext((work) => executionCtx.waitUntil(work)));
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
