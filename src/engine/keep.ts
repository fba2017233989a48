/** What a load's result becomes, and where it is kept. */
import { createEntry, type Entry, type Loaded, type LoadMoment } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { Context, MemoryTier, Random, Result, SharedStore, Tier } from "../core/ports.ts";
import type { Coherence } from "./coherence.ts";

export interface KeeperOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly coherence: Coherence;
  readonly random: Random;
}

export interface Keeping {
  readonly policy: Policy;
  readonly ctx: Context;
  readonly logReachable: boolean;
}

export interface Keeper {
  /** The entry of a result, or undefined if it may not be stored or would be stale at once. */
  make(key: string, policy: Policy, loaded: Loaded, moment: LoadMoment): Entry | undefined;
  /** Stores what was loaded here in every tier of the policy; the far ones after the response. */
  keep(entry: Entry, keeping: Keeping): { readonly stored: boolean };
  /** The same for many, in one request to Redis. They have no place in the edge: it knows no batches. */
  keepMany(entries: readonly Entry[], keeping: Keeping): ReadonlySet<Entry>;
  /** Stores in the near tiers what another isolate has loaded, or Redis has verified. */
  keepNear(entry: Entry, policy: Policy, ctx: Context): void;
  /** Deletes an entry that no reader can use from every tier. */
  discard(entry: Entry, ctx: Context): void;
}

export function createKeeper({ memory, edge, store, coherence, random }: KeeperOptions): Keeper {
  /** Not if it was invalidated while it was loaded: whoever found it would throw it away. */
  function isCurrent(entry: Entry): boolean {
    const verdict = coherence.judge(entry);
    return verdict === "valid" || verdict === "soft" || verdict === "unknown";
  }

  function keepNear(entry: Entry, policy: Policy, ctx: Context): void {
    if (policy.tiers.has("memory")) memory.put(entry, ctx.now());
    if (policy.tiers.has("edge") && entry.era !== "") afterwards(edge.set(entry, ctx), ctx);
  }

  function share(entries: readonly Entry[], keeping: Keeping): ReadonlySet<Entry> {
    const { policy, ctx, logReachable } = keeping;
    if (!logReachable || !policy.tiers.has("redis")) return new Set();
    // Who has never heard of the log cannot say as of when its entries are.
    const shared = entries.filter(({ era }) => era !== "");
    if (shared.length > 0) afterwards(store.write(shared, ctx), ctx);
    return new Set(shared);
  }

  return {
    keepNear,

    make(key, policy, loaded, moment) {
      if (!loaded.storable) return undefined;
      if (loaded.kind === "absent" && policy.negativeForMs === 0) return undefined;
      if ((loaded.freshUntil ?? Infinity) <= moment.storedAt) return undefined;
      return createEntry(key, policy, loaded, moment, random());
    },

    keep(entry, keeping) {
      if (!isCurrent(entry)) return { stored: false };
      keepNear(entry, keeping.policy, keeping.ctx);
      return { stored: share([entry], keeping).size > 0 };
    },

    keepMany(entries, keeping) {
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
