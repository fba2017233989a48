import { Ratelimit } from "@upstash/ratelimit";
import { attempt } from "../redis/client.ts";
import { slidingLog, slidingWindow } from "./algorithms.ts";
import { packIdentifier } from "./packed.ts";
import { createStockLedger } from "./stock.ts";
/** The ledger in Redis, through `@upstash/ratelimit`. */
export function createRedisLedger(options) {
  const { redis, namespace, algorithm, newId } = options;
  switch (algorithm) {
    case "sliding-window":
      return createLedger(redis, `${namespace}:rl:w`, slidingWindow());
    case "sliding-log":
      return createLedger(redis, `${namespace}:rl:l`, slidingLog({ newId }));
    case "upstash-sliding-window":
    case "upstash-fixed-window":
    case "upstash-token-bucket":
      return createStockLedger({ redis, prefix: `${namespace}:rl:${algorithm}`, algorithm });
  }
}
/**
 * Neither the package's time-out nor its cache of refusals: the first answers with
 * made-up numbers, the second is never swept. The client has its own deadline.
 */
function createLedger(redis, prefix, limiter) {
  const ratelimit = new Ratelimit({
    redis,
    prefix,
    limiter,
    timeout: 0,
    ephemeralCache: false,
    enableTelemetry: false,
  });
  /** Labels do not travel: the caller's own windows take the place of what came back. */
  function relabel(taken, accounts) {
    const balances = taken.balances.map((list, i) =>
      list.map((balance, w) => ({ ...balance, window: accounts[i]?.windows[w] ?? balance.window })),
    );
    return { ...taken, balances };
  }
  return {
    take: ({ charges, cost, requests }) =>
      attempt(async () => {
        const packed = packIdentifier({ charges, requests });
        const response = await ratelimit.limit(packed, { rate: cost });
        return relabel(response.taken, charges);
      }),
    peek: (accounts) =>
      attempt(async () => {
        const packed = packIdentifier({ charges: accounts, requests: 0 });
        const response = await ratelimit.getRemaining(packed);
        return relabel(response.taken, accounts);
      }),
    forget: (accounts) =>
      attempt(() => ratelimit.resetUsedTokens(packIdentifier({ charges: accounts, requests: 0 }))),
  };
}
