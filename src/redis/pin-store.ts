import type { PinStore } from "../core/degradation.ts";
import { attempt, type RedisClient } from "./client.ts";

/** Stores the level that an operator has pinned, in Redis: one string for the namespace. */
export function createPinStore(redis: RedisClient, namespace: string): PinStore {
  const pinKey = `${namespace}:pin`;
  return {
    load: () => attempt(async () => (await redis.get<string>(pinKey)) ?? undefined),
    save: (text, ttlMs) => attempt(async () => void (await redis.set(pinKey, text, { px: ttlMs }))),
    remove: () => attempt(async () => void (await redis.del(pinKey))),
  };
}
