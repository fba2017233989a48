import { MAX_CHANGES } from "../../src/core/log.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
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
    verify: async (logKeys: LogKey[], since = 0) =>
      valueOf(await store.verify(logKeys, since, ctx)),
    establish: async (known: { era: string | undefined; seq: number } = NOTHING) =>
      valueOf(await store.establish(known, ctx)),
    trim: async (keepMs: number) => valueOf(await store.trim(keepMs, ctx)),
    store,
  };
}
