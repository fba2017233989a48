/** The entry `strata/redis`: a shared store and a ledger of rate limits in Upstash Redis. It needs the package `@upstash/redis`. */
export { redis, type RedisStoreOptions } from "../compose/shared-redis.ts";
export { redisLedger, type RedisLedgerSetup } from "../compose/ledger-redis.ts";
export type { BreakerOptions } from "../compose/store-guard.ts";
