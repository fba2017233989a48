/** The stores that the contract tests run against. */
import type { InvalidationKey, LogKey } from "../../src/core/invalidation-key.ts";
import { MAX_CHANGES } from "../../src/core/log.ts";
import type { FaultCode } from "../../src/core/faults.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { valueOf } from "../redis/stores.ts";

/** The storage behind a store, read and changed without the store. */
export interface Inside {
  /** Loses the whole log. */
  dropLog(): Promise<void>;
  /** Changes the newest number. */
  setNewest(seq: number): Promise<void>;
  /** Changes the instant at which a number was first seen as the newest. */
  setMark(seq: number, at: number): Promise<void>;
  /** The number of marks. */
  marks(): Promise<number>;
  /** The number of log keys. */
  logKeys(): Promise<number>;
  setText(key: string, text: string): Promise<void>;
  textOf(key: string): Promise<string | undefined>;
  /** Lets the lifetime of an entry end now. */
  expire(key: string): Promise<void>;
}

export interface StoreUnderTest {
  /** The store of a fresh isolate. */
  create(namespace: string, options?: { readonly maxEntryChars?: number }): SharedStore;
  inside(namespace: string): Inside;
  /** The code of the fault of a write that stores nothing. */
  readonly rejected: FaultCode;
}

const NOTHING = { era: undefined, seq: 0 };

/** The log of a namespace, asked by a fresh isolate. Each call throws if the store fails. */
export function setupLog(subject: StoreUnderTest, namespace = uniqueNamespace()) {
  const store = subject.create(namespace);
  const ctx = createTestContext();
  return {
    namespace,
    inside: subject.inside(namespace),
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
