import type { NewId } from "../core/random.ts";
import { attempt, type RedisClient } from "../redis/client.ts";
import type { OwnAlgorithm } from "./behaviour.ts";
import type { Account, Ledger } from "./ledger.ts";
import {
  createSlidingLogScript,
  createSlidingWindowScript,
  type TakeScript,
} from "./sliding-scripts.ts";

export interface RedisLedgerOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly algorithm: OwnAlgorithm;
  readonly newId: NewId;
}

/** Creates the ledger of one of the own algorithms in Redis. */
export function createRedisLedger(options: RedisLedgerOptions): Ledger {
  const { redis, namespace, algorithm, newId } = options;
  switch (algorithm) {
    case "sliding-window":
      return createScriptLedger(redis, `${namespace}:rl:w`, createSlidingWindowScript(redis));
    case "sliding-log":
      return createScriptLedger(redis, `${namespace}:rl:l`, createSlidingLogScript(redis, newId));
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
