/** The store step. It creates the entry of a load's result and stores the entry in the tiers of its policy. */
import { createEntry, type Entry, type LoadResult, type LoadStamp } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Coherence } from "./coherence.ts";
import { mayBeValid } from "./validation.ts";

export interface EntryStoreOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly coherence: Coherence;
  readonly random: Random;
}

export interface StoreTarget {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly logReachable: boolean;
}

export interface EntryStore {
  /**
   * Creates the entry of a result. Returns undefined if the result may not be stored.
   */
  createEntry(key: string, policy: Policy, loaded: LoadResult, stamp: LoadStamp): Entry | undefined;
  /**
   * Stores an entry that this isolate loaded: in memory at once, in the edge and in Redis after the
   * response. `stored` says whether the entry is sent to Redis. It is not sent if it was invalidated
   * during its load, if the policy has no tier "redis", or if the log could not be asked.
   */
  store(entry: Entry, target: StoreTarget): { readonly stored: boolean };
  /** Stores an entry from Redis or from another isolate's load in memory and in the edge. */
  storeLocally(entry: Entry, policy: Policy, ctx: Context): void;
  /** Deletes an entry that no lookup can use from every tier. */
  discard(entry: Entry, ctx: Context): void;
}

export function createEntryStore(options: EntryStoreOptions): EntryStore {
  const { memory, edge, store, coherence, random } = options;

  /** Returns false if the entry was invalidated during its load. Every lookup would reject such an entry. */
  const isValid = (entry: Entry): boolean => mayBeValid(coherence.verdictOf(entry));

  function storeLocally(entry: Entry, policy: Policy, ctx: Context): void {
    if (policy.tiers.has("memory")) memory.put(entry, ctx.now(), policy.memoryForMs);
    if (policy.tiers.has("edge") && entry.era !== "")
      afterResponse(edge.set(entry, ctx, policy.edgeForMs), ctx);
  }

  /** Returns whether the entry is sent. */
  function storeInRedis(entry: Entry, { policy, ctx, logReachable }: StoreTarget): boolean {
    // An entry without an era is not sent, because other isolates cannot validate it.
    if (!policy.tiers.has("redis")) return false;
    if (!logReachable || entry.era === "") {
      ctx.emit({ type: "store.skip", key: entry.key, reason: "unreachable" });
      return false;
    }
    afterResponse(write(entry, ctx), ctx);
    return true;
  }

  /** Fails if Redis has refused the entry. */
  async function write(entry: Entry, ctx: Context): Promise<Result<unknown>> {
    const written = await store.write([entry], ctx);
    if (!written.ok || written.value.keys.has(entry.key)) return written;
    const { fault } = written.value;
    return fault === undefined ? written : { ok: false, fault };
  }

  return {
    storeLocally,

    createEntry(key, policy, loaded, stamp) {
      if (!loaded.storable) return undefined;
      if (loaded.kind === "absent" && policy.negativeForMs === 0) return undefined;
      return createEntry(key, policy, loaded, stamp, random());
    },

    store(entry, target) {
      if (!isValid(entry)) {
        target.ctx.emit({ type: "store.skip", key: entry.key, reason: "invalidated" });
        return { stored: false };
      }
      storeLocally(entry, target.policy, target.ctx);
      return { stored: storeInRedis(entry, target) };
    },

    discard({ key }, ctx) {
      memory.remove(key);
      afterResponse(edge.delete([key], ctx), ctx);
      afterResponse(store.delete([key], ctx), ctx);
    },
  };
}

/** Continues the work after the response. A fault is recorded and does not change the response. */
function afterResponse(work: Promise<Result<unknown>>, ctx: Context): void {
  ctx.defer(
    work.then((result) => {
      if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
    }),
  );
}
