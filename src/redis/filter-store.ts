import type { Breaker } from "../core/breaker.ts";
import type { FilterStore } from "../core/existence-filter.ts";
import { attempt, type RedisClient } from "./client.ts";

/** Stores existence filters in Redis, behind the breaker of the cache: one string for each kind. */
export function createFilterStore(
  redis: RedisClient,
  namespace: string,
  breaker: Breaker,
): FilterStore {
  const filterKey = (kind: string): string => `${namespace}:exists:${kind}`;
  return {
    load: (kind) =>
      breaker.run(() =>
        attempt(async () => (await redis.get<string>(filterKey(kind))) ?? undefined),
      ),
    save: (kind, text, ttlMs) =>
      breaker.run(() =>
        attempt(async () => void (await redis.set(filterKey(kind), text, { px: ttlMs }))),
      ),
    claim: (kind, forMs) =>
      breaker.run(() =>
        attempt(async () => {
          const claimKey = `${filterKey(kind)}:claim`;
          return (await redis.set(claimKey, "1", { nx: true, px: forMs })) !== null;
        }),
      ),
  };
}
