/** What a load's result becomes, and where it is kept. */
import { createEntry, type Entry, type LoadResult, type LoadStamp } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { Random } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Coherence } from "./coherence.ts";

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
  /** The entry of a result, or undefined if it may not be stored or would be stale at once. */
  createEntry(
    key: string,
    policy: Policy,
    loaded: LoadResult,
    moment: LoadStamp,
  ): Entry | undefined;
  /** Stores what was loaded here in every tier of the policy; the far ones after the response. */
  store(entry: Entry, keeping: StoreTarget): { readonly stored: boolean };
  /** The same for many, in one request to Redis. They have no place in the edge: it knows no batches. */
  storeMany(entries: readonly Entry[], keeping: StoreTarget): ReadonlySet<Entry>;
  /** Stores in the near tiers what another isolate has loaded, or Redis has verified. */
  storeLocally(entry: Entry, policy: Policy, ctx: Context): void;
  /** Deletes an entry that no reader can use from every tier. */
  discard(entry: Entry, ctx: Context): void;
}

export function createEntryStore({
  memory,
  edge,
  store,
  coherence,
  random,
}: EntryStoreOptions): EntryStore {
  /** Not if it was invalidated while it was loaded: whoever found it would throw it away. */
  function isCurrent(entry: Entry): boolean {
    const verdict = coherence.verdictOf(entry);
    return verdict === "valid" || verdict === "soft" || verdict === "unknown";
  }

  function keepNear(entry: Entry, policy: Policy, ctx: Context): void {
    if (policy.tiers.has("memory")) memory.put(entry, ctx.now());
    if (policy.tiers.has("edge") && entry.era !== "") afterwards(edge.set(entry, ctx), ctx);
  }

  function share(entries: readonly Entry[], keeping: StoreTarget): ReadonlySet<Entry> {
    const { policy, ctx, logReachable } = keeping;
    if (!logReachable || !policy.tiers.has("redis")) return new Set();
    // Who has never heard of the log cannot say as of when its entries are.
    const shared = entries.filter(({ era }) => era !== "");
    if (shared.length > 0) afterwards(store.write(shared, ctx), ctx);
    return new Set(shared);
  }

  return {
    storeLocally: keepNear,

    createEntry(key, policy, loaded, moment) {
      if (!loaded.storable) return undefined;
      if (loaded.kind === "absent" && policy.negativeForMs === 0) return undefined;
      if ((loaded.freshUntil ?? Infinity) <= moment.storedAt) return undefined;
      return createEntry(key, policy, loaded, moment, random());
    },

    store(entry, keeping) {
      if (!isCurrent(entry)) return { stored: false };
      keepNear(entry, keeping.policy, keeping.ctx);
      return { stored: share([entry], keeping).size > 0 };
    },

    storeMany(entries, keeping) {
      const current = entries.filter(isCurrent);
      if (keeping.policy.tiers.has("memory"))
        for (const entry of current) memory.put(entry, keeping.ctx.now());
      return share(current, keeping);
    },

    discard({ key }, ctx) {
      memory.remove(key);
      afterwards(edge.delete([key], ctx), ctx);
      afterwards(store.delete([key], ctx), ctx);
    },
  };
}

/** After the response: a fault in it is recorded and harms nobody. */
function afterwards(work: Promise<Result<void>>, ctx: Context): void {
  ctx.defer(
    work.then((result) => {
      if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
    }),
  );
}
