/**
 * Makes Strata's algorithms available as `Algorithm`s of `@upstash/ratelimit`. Strata itself calls
 * the scripts directly.
 */
import type { Ratelimit } from "@upstash/ratelimit";
import type { NewId } from "../core/random.ts";
import type { ScriptClient } from "../redis/script-runner.ts";
import { unpackIdentifier } from "./identifier-codec.ts";
import type { TakeRequest, TakeResult } from "./ledger.ts";
import {
  createSlidingLogScript,
  createSlidingWindowScript,
  type TakeScript,
} from "./sliding-scripts.ts";

/** The type `Algorithm` of the package, which the package does not export. */
type UpstashAlgorithm = ConstructorParameters<typeof Ratelimit>[0]["limiter"];
type UpstashLimiter = ReturnType<UpstashAlgorithm>;
type UpstashRedis = Parameters<UpstashLimiter["limit"]>[0]["redis"];
type UpstashResponse = Awaited<ReturnType<UpstashLimiter["limit"]>>;

/**
 * The sliding window in two buckets, for `new Ratelimit({ limiter })`. One script charges all
 * identities and windows, or none. `packIdentifier` makes the identifier; `rate` is the cost in
 * tokens.
 *
 * Switch off the time-out and the cache of the package: after the time-out it answers with invented
 * numbers, and it never deletes old refusals from the cache.
 *
 * @example
 * const ratelimit = new Ratelimit({
 *   redis,
 *   limiter: slidingWindow(),
 *   timeout: 0,
 *   ephemeralCache: false,
 * });
 */
export function slidingWindow(): UpstashAlgorithm {
  return createAlgorithm(createSlidingWindowScript);
}

/**
 * The exact sliding log, for `new Ratelimit({ limiter })`: it never admits more than the limit in
 * any span. It stores one sorted-set member for each token, so use it for limits up to about 1,000.
 *
 * @param options.newId returns a text that was never returned before, such as a UUID.
 * @example
 * const ratelimit = new Ratelimit({
 *   redis,
 *   limiter: slidingLog({ newId: () => crypto.randomUUID() }),
 *   timeout: 0,
 *   ephemeralCache: false,
 * });
 */
export function slidingLog({ newId }: { readonly newId: NewId }): UpstashAlgorithm {
  return createAlgorithm((redis) => createSlidingLogScript(redis, newId));
}

function createAlgorithm(createScript: (redis: ScriptClient) => TakeScript): UpstashAlgorithm {
  const scripts = new WeakMap<UpstashRedis, TakeScript>();

  function run(redis: UpstashRedis, take: TakeRequest): Promise<TakeResult> {
    let script = scripts.get(redis);
    if (script === undefined) scripts.set(redis, (script = createScript(redis)));
    return script(take);
  }

  const limiter: UpstashLimiter = {
    async limit({ redis, prefix }, identifier, rate = 1) {
      const take = { ...unpackIdentifier(identifier, prefix), cost: rate };
      const result = await run(redis, take);
      return { success: result.admitted >= take.requests, ...summaryOf(result) };
    },
    async getRemaining({ redis, prefix }, identifier) {
      const { charges } = unpackIdentifier(identifier, prefix);
      return summaryOf(await run(redis, { charges, requests: 0, cost: 0 }));
    },
    async resetTokens({ redis, prefix }, identifier) {
      const { charges } = unpackIdentifier(identifier, prefix);
      await redis.del(...charges.map(({ key }) => key));
    },
  };
  return () => limiter;
}

/** Returns the one balance that the package can report: that of the window with the fewest tokens left. */
function summaryOf({ balances, now }: TakeResult): Omit<UpstashResponse, "success"> {
  const { window, remaining, resetMs, waitMs } = balances
    .flat()
    .reduce((a, b) => (b.remaining < a.remaining ? b : a));
  return {
    limit: window.limit,
    remaining,
    reset: now + (waitMs > 0 && waitMs < Infinity ? waitMs : resetMs),
    pending: Promise.resolve(),
  };
}
