/** The algorithms that come with `@upstash/ratelimit`, behind the same port. */
import { Ratelimit } from "@upstash/ratelimit";
import type { Context } from "../core/context.ts";
import { attempt, type RedisClient } from "../redis/client.ts";
import type { Account, Balance, Ledger, Taken } from "./ledger.ts";
import type { Window } from "./window.ts";
import type { StockAlgorithm } from "./limit-policy.ts";
import type { UpstashAlgorithm } from "./upstash.ts";

export interface StockLedgerOptions {
  readonly redis: RedisClient;
  readonly prefix: string;
  readonly algorithm: StockAlgorithm;
}

const LIMITERS: Readonly<Record<StockAlgorithm, (window: Window) => UpstashAlgorithm>> = {
  "upstash-sliding-window": ({ limit, widthMs }) => Ratelimit.slidingWindow(limit, `${widthMs} ms`),
  "upstash-fixed-window": ({ limit, widthMs }) => Ratelimit.fixedWindow(limit, `${widthMs} ms`),
  "upstash-token-bucket": ({ limit, widthMs }) =>
    Ratelimit.tokenBucket(limit, `${widthMs} ms`, limit),
};

/**
 * Each identity and window on its own, as the package does it: one request each,
 * so an identity is charged although another refuses, by the Worker's own clock.
 */
export function createStockLedger({ redis, prefix, algorithm }: StockLedgerOptions): Ledger {
  const limiters = new Map<string, Ratelimit>();

  function limiterOf(window: Window): Ratelimit {
    const name = `${window.limit}/${window.widthMs}`;
    let limiter = limiters.get(name);
    if (limiter === undefined) {
      limiter = new Ratelimit({
        redis,
        prefix: `${prefix}:${window.widthMs}`,
        limiter: LIMITERS[algorithm](window),
        timeout: 0,
        ephemeralCache: false,
        enableTelemetry: false,
      });
      limiters.set(name, limiter);
    }
    return limiter;
  }

  async function each(
    accounts: readonly Account[],
    ctx: Context,
    ask: (
      limiter: Ratelimit,
      key: string,
    ) => Promise<{ remaining: number; reset: number; success?: boolean }>,
  ): Promise<Taken> {
    let admitted = 1;
    const balances = await Promise.all(
      accounts.map(({ key, windows }) =>
        Promise.all(
          windows.map(async (window): Promise<Balance> => {
            const { remaining, reset, success } = await ask(limiterOf(window), key);
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
      attempt(() => each(charges, ctx, (limiter, key) => limiter.limit(key, { rate: cost }))),
    peek: (accounts, ctx) =>
      attempt(() => each(accounts, ctx, (limiter, key) => limiter.getRemaining(key))),
    forget: (accounts) =>
      attempt(async () => {
        for (const { key, windows } of accounts)
          for (const window of windows) await limiterOf(window).resetUsedTokens(key);
      }),
  };
}
