/** The algorithms that come with `@upstash/ratelimit`, behind the same port. */
import { Ratelimit } from "@upstash/ratelimit";
import { attempt } from "../redis/client.ts";
const LIMITERS = {
  "upstash-sliding-window": ({ limit, widthMs }) => Ratelimit.slidingWindow(limit, `${widthMs} ms`),
  "upstash-fixed-window": ({ limit, widthMs }) => Ratelimit.fixedWindow(limit, `${widthMs} ms`),
  "upstash-token-bucket": ({ limit, widthMs }) =>
    Ratelimit.tokenBucket(limit, `${widthMs} ms`, limit),
};
/**
 * Each identity and window on its own, as the package does it: one request each,
 * so an identity is charged although another refuses, by the Worker's own clock.
 */
export function createStockLedger({ redis, prefix, algorithm }) {
  const limiters = new Map();
  function limiterOf(window) {
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
  async function each(accounts, ctx, ask) {
    let admitted = 1;
    const balances = await Promise.all(
      accounts.map(({ key, windows }) =>
        Promise.all(
          windows.map(async (window) => {
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
