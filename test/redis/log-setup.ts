import { MAX_CHANGES } from "../../src/core/log.ts";
import type { InvalidationKey, LogKey } from "../../src/core/invalidation-key.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createTestStore, valueOf } from "./stores.ts";

const NOTHING = { era: undefined, seq: 0 };

/** The log of a namespace, asked by a fresh isolate. Each call throws if Redis fails. */
export function setupLog(namespace = uniqueNamespace()) {
  const store = createTestStore(namespace);
  const ctx = createTestContext();
  return {
    namespace,
    log: `${namespace}:inv`,
    ctx,
    purge: async (...logKeys: LogKey[]) => valueOf(await store.invalidate(logKeys, [], ctx)),
    numbers: async (...logKeys: LogKey[]) => valueOf(await store.numbers(logKeys, ctx)),
    sync: async (since = 0, limit = MAX_CHANGES) => valueOf(await store.sync(since, limit, ctx)),
    /** The numbers of one entry with these invalidation keys, and the log. */
    verify: async (keys: InvalidationKey[], since = 0) => {
      const { numbers, log } = valueOf(await store.verify([keys], since, ctx));
      return { hard: 0, soft: 0, unconfirmed: 0, ...numbers[0], log };
    },
    establish: async (known: { era: string | undefined; seq: number } = NOTHING) =>
      valueOf(await store.establish(known, ctx)),
    trim: async (keepMs: number, maxLogKeys = 100_000) =>
      valueOf(await store.trim(keepMs, maxLogKeys, ctx)),
    store,
  };
}
