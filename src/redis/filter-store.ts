import type { FilterStore } from "../core/existence-filter.ts";
import { attempt, type RedisClient } from "./client.ts";

/** Stores existence filters in Redis: one string for each kind. */
export function createFilterStore(redis: RedisClient, namespace: string): FilterStore {
  const filterKey = (kind: string): string => `${namespace}:exists:${kind}`;
  return {
    load: (kind) => attempt(async () => (await redis.get<string>(filterKey(kind))) ?? undefined),
    save: (kind, text, ttlMs) =>
      attempt(async () => void (await redis.set(filterKey(kind), text, { px: ttlMs }))),
    claim: (kind, forMs) =>
      attempt(async () => {
        const claimKey = `${filterKey(kind)}:claim`;
        return (await redis.set(claimKey, "1", { nx: true, px: forMs })) !== null;
      }),
  };
}
