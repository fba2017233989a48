/** The part that decides which entries the tiers behind memory store. */
import type { Context } from "../core/context.ts";
import type { CacheEvent } from "../core/events.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";

/** The tiers as the layer has built them. */
export interface TiersToGuard {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  /** Whether the store holds entries. Otherwise it holds the log alone. */
  readonly holdsEntries: boolean;
  /** Takes the events of the cache. */
  readonly emit: (event: CacheEvent) => void;
  /** Returns a context for a write that no request waits for. */
  readonly newContext: () => Context;
}

/** The tiers as the engine uses them. */
export interface GuardedTiers extends Pick<TiersToGuard, "edge" | "store" | "emit"> {
  /** Lets the tiers store the entry of a key, whatever was read before: a program sets its value. */
  readonly admit: (key: string) => void;
}

/** `secondRead()` of the entry `strata/admission` makes one. */
export interface Admission {
  /** Returns the tiers that get an entry with the second read of its key. `createStrata` calls it. */
  guard(tiers: TiersToGuard): GuardedTiers;
}
