import type { NewId } from "../core/random.ts";
import { attempt, type RedisClient } from "../redis/client.ts";
import type { AlgorithmName } from "./behaviour.ts";
import type { Account, Ledger } from "./ledger.ts";
import {
  createSlidingLogScript,
  createSlidingWindowScript,
  type TakeScript,
} from "./sliding-scripts.ts";
import type { StockLedgerOptions } from "./upstash-algorithms.ts";

export interface RedisLedgerOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly algorithm: AlgorithmName;
  readonly newId: NewId;
}

/** Creates the ledger of one algorithm in Redis. */
export function createRedisLedger(options: RedisLedgerOptions): Ledger {
  const { redis, namespace, algorithm, newId } = options;
  switch (algorithm) {
    case "sliding-window":
      return createScriptLedger(redis, `${namespace}:rl:w`, createSlidingWindowScript(redis));
    case "sliding-log":
      return createScriptLedger(redis, `${namespace}:rl:l`, createSlidingLogScript(redis, newId));
    case "upstash-sliding-window":
    case "upstash-fixed-window":
    case "upstash-token-bucket":
      return createLateStockLedger({ redis, prefix: `${namespace}:rl:${algorithm}`, algorithm });
  }
}

function createScriptLedger(redis: RedisClient, prefix: string, script: TakeScript): Ledger {
  const withPrefix = <T extends Account>(accounts: readonly T[]): readonly T[] =>
    accounts.map((account) => ({ ...account, key: `${prefix}:${account.key}` }));

  return {
    take: ({ charges, cost, requests }) =>
      attempt(() => script({ charges: withPrefix(charges), cost, requests })),
    peek: (accounts) =>
      attempt(() => {
        const charges = accounts.map((account) => ({ ...account, debt: 0, debtAgeMs: 0 }));
        return script({ charges: withPrefix(charges), cost: 0, requests: 0 });
      }),
    forget: (accounts) =>
      attempt(async () => {
        await redis.del(...withPrefix(accounts).map(({ key }) => key));
      }),
  };
}

/** Loads `@upstash/ratelimit` with the first call: the own algorithms do not need the package. */
function createLateStockLedger(options: StockLedgerOptions): Ledger {
  let opened: Ledger | undefined;
  async function ledger(): Promise<Ledger> {
    if (opened !== undefined) return opened;
    const { createStockLedger } = await import("./upstash-algorithms.ts");
    return (opened ??= createStockLedger(options));
  }
  return {
    take: async (...args) => (await ledger()).take(...args),
    peek: async (...args) => (await ledger()).peek(...args),
    forget: async (...args) => (await ledger()).forget(...args),
  };
}
