/** Makes the algorithms of `@upstash/ratelimit` available through the ledger port. */
import { Ratelimit } from "@upstash/ratelimit";
import type { Context } from "../core/context.ts";
import { attempt, type RedisClient } from "../redis/client.ts";
import type { StockAlgorithm } from "./behaviour.ts";
import type { Account, Ledger, TakeResult } from "./ledger.ts";
import type { Balance, Window } from "./window.ts";

export interface StockLedgerOptions {
  readonly redis: RedisClient;
  readonly prefix: string;
  readonly algorithm: StockAlgorithm;
}

type CreateAlgorithm = (window: Window) => ReturnType<typeof Ratelimit.slidingWindow>;

const ALGORITHMS: Readonly<Record<StockAlgorithm, CreateAlgorithm>> = {
  "upstash-sliding-window": ({ limit, widthMs }) => Ratelimit.slidingWindow(limit, `${widthMs} ms`),
  "upstash-fixed-window": ({ limit, widthMs }) => Ratelimit.fixedWindow(limit, `${widthMs} ms`),
  "upstash-token-bucket": ({ limit, widthMs }) =>
    Ratelimit.tokenBucket(limit, `${widthMs} ms`, limit),
};

/**
 * Sends one call to Redis for each identity and window, and uses the Worker's clock. If one identity
 * refuses a request, the others may be charged for it.
 */
export function createStockLedger({ redis, prefix, algorithm }: StockLedgerOptions): Ledger {
  const ratelimits = new Map<string, Ratelimit>();

  function ratelimitOf(window: Window): Ratelimit {
    const name = `${window.limit}/${window.widthMs}`;
    let ratelimit = ratelimits.get(name);
    if (ratelimit === undefined) {
      ratelimit = new Ratelimit({
        redis,
        prefix: `${prefix}:${window.widthMs}`,
        limiter: ALGORITHMS[algorithm](window),
        // The time-out of the package is off, because it would answer with invented numbers. The
        // Redis client has a deadline of its own.
        timeout: 0,
        // The cache of the package is off, because the package never deletes old refusals from it.
        ephemeralCache: false,
        enableTelemetry: false,
      });
      ratelimits.set(name, ratelimit);
    }
    return ratelimit;
  }

  async function askEach(
    accounts: readonly Account[],
    ctx: Context,
    ask: (
      ratelimit: Ratelimit,
      key: string,
    ) => Promise<{ remaining: number; reset: number; success?: boolean }>,
  ): Promise<TakeResult> {
    let admitted = 1;
    const balances = await Promise.all(
      accounts.map(({ key, windows }) =>
        Promise.all(
          windows.map(async (window): Promise<Balance> => {
            const { remaining, reset, success } = await ask(ratelimitOf(window), key);
            if (success === false) admitted = 0;
            const resetMs = Math.max(0, reset - ctx.now());
            return { window, remaining, resetMs, waitMs: success === false ? resetMs : 0 };
          }),
        ),
      ),
    );
    return { admitted, now: ctx.now(), balances };
  }

  return {
    take: ({ charges, cost }, ctx) =>
      attempt(() =>
        askEach(charges, ctx, (ratelimit, key) => ratelimit.limit(key, { rate: cost })),
      ),
    peek: (accounts, ctx) =>
      attempt(() => askEach(accounts, ctx, (ratelimit, key) => ratelimit.getRemaining(key))),
    forget: (accounts) =>
      attempt(async () => {
        for (const { key, windows } of accounts)
          for (const window of windows) await ratelimitOf(window).resetUsedTokens(key);
      }),
  };
}
