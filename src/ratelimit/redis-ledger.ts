import { Ratelimit } from "@upstash/ratelimit";
import type { NewId } from "../core/random.ts";
import { attempt, type RedisClient } from "../redis/client.ts";
import { slidingLog, slidingWindow, type DetailedResponse } from "./sliding-algorithms.ts";
import type { Account, Ledger, Taken } from "./ledger.ts";
import { packIdentifier } from "./identifier-codec.ts";
import type { AlgorithmName } from "./limit-policy.ts";
import { createStockLedger } from "./upstash-algorithms.ts";
import type { UpstashAlgorithm } from "./upstash.ts";

export interface RedisLedgerOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly algorithm: AlgorithmName;
  readonly newId: NewId;
}

/** The ledger in Redis, through `@upstash/ratelimit`. */
export function createRedisLedger(options: RedisLedgerOptions): Ledger {
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
function createLedger(redis: RedisClient, prefix: string, limiter: UpstashAlgorithm): Ledger {
  const ratelimit = new Ratelimit({
    redis,
    prefix,
    limiter,
    timeout: 0,
    ephemeralCache: false,
    enableTelemetry: false,
  });

  /** Labels do not travel: the caller's own windows take the place of what came back. */
  function relabel(taken: Taken, accounts: readonly Account[]): Taken {
    const balances = taken.balances.map((list, i) =>
      list.map((balance, w) => ({ ...balance, window: accounts[i]?.windows[w] ?? balance.window })),
    );
    return { ...taken, balances };
  }

  return {
    take: ({ charges, cost, requests }) =>
      attempt(async () => {
        const packed = packIdentifier({ charges, requests });
        const response = (await ratelimit.limit(packed, { rate: cost })) as DetailedResponse;
        return relabel(response.taken, charges);
      }),
    peek: (accounts) =>
      attempt(async () => {
        const packed = packIdentifier({ charges: accounts, requests: 0 });
        const response = (await ratelimit.getRemaining(packed)) as unknown as DetailedResponse;
        return relabel(response.taken, accounts);
      }),
    forget: (accounts) =>
      attempt(() => ratelimit.resetUsedTokens(packIdentifier({ charges: accounts, requests: 0 }))),
  };
}
