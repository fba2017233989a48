import { env } from "cloudflare:workers";
import type { Result } from "../../src/core/result.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createRedisStore } from "../../src/redis/store.ts";

export interface TestStoreOptions {
  readonly url?: string;
  readonly token?: string;
  readonly timeoutMs?: number;
  readonly maxEntryChars?: number;
  readonly packFromChars?: number;
  readonly splits?: boolean;
}

/** The store of a fresh isolate, which has not sent its scripts yet. */
export function createTestStore(namespace: string, options: TestStoreOptions = {}): SharedStore {
  const {
    url = env.UPSTASH_REDIS_REST_URL,
    token = env.UPSTASH_REDIS_REST_TOKEN,
    timeoutMs = 10_000,
    maxEntryChars = 100_000,
    packFromChars = Infinity,
    splits = false,
  } = options;
  return createRedisStore({
    redis: createRedis({ url, token, timeoutMs }),
    namespace,
    newId: () => crypto.randomUUID(),
    maxEntryChars,
    packFromChars,
    splits,
  });
}

/** The value of a result. @throws if the result is a fault */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.fault.code}: ${result.fault.message}`);
  return result.value;
}
