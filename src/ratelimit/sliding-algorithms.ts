/** Algorithms for `@upstash/ratelimit` that charge several identities at once, or none. */
import type { NewId } from "../core/random.ts";
import type { EpochMs } from "../core/time.ts";
import { balanceOf } from "./balance.ts";
import type { Bucket } from "./bucket.ts";
import type { Balance, Charge, Take, Taken } from "./ledger.ts";
import type { Window } from "./window.ts";
import { unpackIdentifier } from "./identifier-codec.ts";
import { SLIDING_LOG, SLIDING_WINDOW } from "./scripts.ts";
import type { UpstashAlgorithm, UpstashLimiter, UpstashRedis, UpstashResponse } from "./upstash.ts";

/** What a script answers: how many pass, Redis' time, one text an account. */
type Raw = readonly [admitted: number | string, now: string, texts: readonly string[]];
type Reader = (numbers: readonly number[], window: Window, now: EpochMs, cost: number) => Balance;

/** A response of `Ratelimit`, with every balance behind its one number. */
export interface DetailedResponse extends UpstashResponse {
  readonly taken: Taken;
}

/**
 * The sliding window in two buckets, all identities and windows in one script.
 * The identifier is made by `packIdentifier`.
 *
 * @example new Ratelimit({ redis, limiter: slidingWindow(), timeout: 0, ephemeralCache: false })
 */
export function slidingWindow(): UpstashAlgorithm {
  const run = createRunner(SLIDING_WINDOW);
  return createAlgorithm(async (redis, take) => {
    const raw = await run(redis, take);
    const now = Number(raw[1]);
    const buckets = take.charges.map(({ windows }, i) =>
      windows.map((_, w) => bucketOf(raw[2][i] ?? "", w)),
    );
    const balances = take.charges.map(({ windows }, i) =>
      windows.map((window, w) => balanceOf(buckets[i]![w]!, window, now, take.cost)),
    );
    return { admitted: Number(raw[0]), now, balances, buckets };
  });
}

function bucketOf(text: string, index: number): Bucket {
  const [, startMs = 0, current = 0, previous = 0] = numbersOf(text, index, 4);
  return { startMs, current, previous };
}

/**
 * The exact sliding log: never more than the limit in any span, at the price of a
 * sorted set with a member for each token. For low limits.
 */
export function slidingLog({ newId }: { readonly newId: NewId }): UpstashAlgorithm {
  const run = createRunner(SLIDING_LOG);
  return createAlgorithm(async (redis, take) => {
    const raw = await run(redis, take, newId());
    const now = Number(raw[1]);
    const balances = take.charges.map(({ windows }, i) =>
      windows.map((window, w) =>
        logBalance(numbersOf(raw[2][i] ?? "", w, 3), window, now, take.cost),
      ),
    );
    return { admitted: Number(raw[0]), now, balances };
  });
}

const logBalance: Reader = ([used = 0, oldest = 0, frees = 0], window, now, cost) => {
  const until = (instant: EpochMs): number => Math.max(0, instant + window.widthMs - now);
  const fits = cost === 0 || used + cost <= window.limit;
  return {
    window,
    remaining: Math.max(0, window.limit - used),
    resetMs: used === 0 ? 0 : until(oldest),
    waitMs: fits ? 0 : frees === 0 ? Infinity : until(frees),
  };
};

function numbersOf(text: string, index: number, size: number): number[] {
  return text
    .split(" ")
    .slice(index * size, (index + 1) * size)
    .map(Number);
}

function createAlgorithm(
  perform: (redis: UpstashRedis, take: Take) => Promise<Taken>,
): UpstashAlgorithm {
  const algorithm: UpstashLimiter = {
    async limit(ctx, identifier, rate = 1) {
      const take: Take = { ...unpackIdentifier(identifier, ctx.prefix), cost: rate };
      const taken = await perform(ctx.redis, take);
      return {
        success: taken.admitted >= take.requests,
        ...summary(taken),
        taken,
      } as DetailedResponse;
    },
    async getRemaining(ctx, identifier) {
      const { charges } = unpackIdentifier(identifier, ctx.prefix);
      const taken = await perform(ctx.redis, { charges, requests: 0, cost: 0 });
      return { ...summary(taken), taken };
    },
    async resetTokens(ctx, identifier) {
      const { charges } = unpackIdentifier(identifier, ctx.prefix);
      await ctx.redis.del(...charges.map(({ key }) => key));
    },
  };
  return () => algorithm;
}

/** The one window that is nearest to its limit speaks for all. */
function summary({
  balances,
  now,
}: Taken): Pick<UpstashResponse, "limit" | "remaining" | "reset" | "pending"> {
  const tightest = balances.flat().reduce((a, b) => (b.remaining < a.remaining ? b : a));
  const { window, remaining, resetMs, waitMs } = tightest;
  return {
    limit: window.limit,
    remaining,
    reset: now + (waitMs > 0 && waitMs < Infinity ? waitMs : resetMs),
    pending: Promise.resolve(),
  };
}

/**
 * One request a call: the first sends the script, later ones its digest. Only a
 * database that says it does not have the script, and so has not run it, is asked again.
 */
function createRunner(body: string) {
  const loaded = new WeakMap<
    UpstashRedis,
    { exec(keys: string[], args: string[]): Promise<unknown> }
  >();

  return async (
    redis: UpstashRedis,
    { charges, cost, requests }: Take,
    name?: string,
  ): Promise<Raw> => {
    const keys = charges.map(({ key }) => key);
    const args = [String(cost), String(requests), ...charges.flatMap(argumentsOf)];
    if (name !== undefined) args.push(name);
    const script = loaded.get(redis);
    if (script !== undefined) return (await script.exec(keys, args)) as Raw;
    const raw = await redis.eval(body, keys, args);
    loaded.set(redis, redis.createScript(body));
    return raw as Raw;
  };
}

function argumentsOf({ debt, debtAgeMs, windows }: Charge): string[] {
  const numbers = [debt, Math.max(0, Math.round(debtAgeMs)), windows.length];
  return [...numbers, ...windows.flatMap(({ limit, widthMs }) => [limit, widthMs])].map(String);
}
