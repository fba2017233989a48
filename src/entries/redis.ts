/** The entry `strata/redis`: a shared store in Upstash Redis. It needs the package `@upstash/redis`. */
export { redis, type RedisStoreOptions } from "../compose/shared-redis.ts";
export type { BreakerOptions } from "../compose/store-guard.ts";
