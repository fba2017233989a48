/** The ledgers of all algorithms in Redis, with those of the package `@upstash/ratelimit`. */
import { isOwnAlgorithm, type AlgorithmName } from "./behaviour.ts";
import type { Ledger } from "./ledger.ts";
import { createRedisLedger, type RedisLedgerOptions } from "./redis-ledger.ts";
import type { StockLedgerOptions } from "./upstash-algorithms.ts";

export interface AnyLedgerOptions extends Omit<RedisLedgerOptions, "algorithm"> {
  readonly algorithm: AlgorithmName;
}

/** Creates the ledger of one algorithm in Redis. */
export function createAnyRedisLedger({ algorithm, ...options }: AnyLedgerOptions): Ledger {
  if (isOwnAlgorithm(algorithm)) return createRedisLedger({ ...options, algorithm });
  const { redis, namespace } = options;
  return createLateStockLedger({ redis, prefix: `${namespace}:rl:${algorithm}`, algorithm });
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
