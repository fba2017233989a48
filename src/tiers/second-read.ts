/**
 * Keeps the entries of keys that are read once out of the edge and the shared store. The first load of a key
 * is stored in memory alone. The second read within the window, a hit of memory or another load, stores it.
 */
import { createBoundedMap } from "../core/bounded-map.ts";
import type { Context } from "../core/context.ts";
import type { Doorkeeper } from "../core/doorkeeper.ts";
import type { Entry } from "../core/entry.ts";
import type { CacheEvent } from "../core/events.ts";
import { done } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { EpochMs, Millis } from "../core/time.ts";

export interface SecondReadOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  /** The tiers that wait for a second read. */
  readonly guarded: ReadonlySet<"edge" | "redis">;
  readonly windowMs: Millis;
  /** The number of withheld entries that are remembered, each by its key. */
  readonly maxKeys: number;
  /** The keys that were loaded once. */
  readonly loaded: Doorkeeper;
  /** The keys whose entries were stored. It forgets by number alone. */
  readonly admitted: Doorkeeper;
  readonly emit: (event: CacheEvent) => void;
  readonly newContext: () => Context;
}

/** A first load whose entry the tiers did not get. */
interface Withheld {
  readonly storedAt: EpochMs;
  readonly at: EpochMs;
  /** The time for which the edge would keep the entry. */
  edge?: { readonly keepMs: Millis | undefined };
  redis?: true;
}

type GuardedTier = "edge" | "redis";

export function createSecondRead(options: SecondReadOptions) {
  const { memory, edge, store, guarded, windowMs, maxKeys, loaded, admitted } = options;
  const { emit, newContext } = options;
  const withheld = createBoundedMap<string, Withheld>(maxKeys);

  function admit(key: string, now: EpochMs): void {
    withheld.delete(key);
    admitted.add(key, now);
  }

  /** Whether the tier gets the entry. If not, the entry is noted as withheld. */
  function admits(entry: Entry, ctx: Context, tier: GuardedTier, keepMs?: Millis): boolean {
    if (!guarded.has(tier)) return true;
    const { key, storedAt } = entry;
    const now = ctx.now();
    let held = withheld.get(key);
    // Both tiers ask about one load.
    if (held?.storedAt !== storedAt) {
      if (admitted.has(key, now) || loaded.has(key, now)) {
        admit(key, now);
        return true;
      }
      loaded.add(key, now);
      held = { storedAt, at: now };
      withheld.set(key, held);
    }
    if (tier === "edge") held.edge = { keepMs };
    else held.redis = true;
    ctx.emit({ type: "entry.reject", key, tier, reason: "read-once" });
    return false;
  }

  /** Notes that memory, or the load of another reader, answered a read. */
  function onRead(key: string): void {
    const held = withheld.get(key);
    if (held === undefined) return;
    const ctx = newContext();
    const now = ctx.now();
    const entry = memory.peek(key, now);
    if (entry?.storedAt !== held.storedAt) return;
    if (now - held.at >= windowMs) {
      // The first read is too long ago, so this one counts as the first.
      withheld.set(key, { ...held, at: now });
      return;
    }
    admit(key, now);
    const report = (work: Promise<Result<unknown>>): void =>
      ctx.defer(
        work.then((result) => {
          if (!result.ok) emit({ type: "fault.raise", fault: result.fault });
        }),
      );
    if (held.edge !== undefined) report(edge.set(entry, ctx, held.edge.keepMs));
    if (held.redis === true) report(store.write([entry], ctx));
  }

  const guardedEdge: Tier = {
    ...edge,
    async get(key, ctx) {
      const found = await edge.get(key, ctx);
      if (found.ok && found.value !== undefined) admit(key, ctx.now());
      return found;
    },
    set: async (entry, ctx, keepMs) =>
      admits(entry, ctx, "edge", keepMs) ? edge.set(entry, ctx, keepMs) : done(undefined),
  };

  const guardedStore: SharedStore = {
    ...store,
    async read(keys, since, ctx) {
      const read = await store.read(keys, since, ctx);
      if (read.ok)
        for (const one of read.value.found) if (one !== undefined) admit(one.entry.key, ctx.now());
      return read;
    },
    async write(entries, ctx) {
      const some = entries.filter((entry) => admits(entry, ctx, "redis"));
      return some.length === 0 ? done({ keys: new Set(), requests: 0 }) : store.write(some, ctx);
    },
  };

  return {
    edge: guardedEdge,
    store: guardedStore,
    emit(event: CacheEvent) {
      emit(event);
      if (event.type === "lookup.end" && IS_REPEATED.has(event.status)) onRead(event.key);
    },
    admit: (key: string) => admit(key, newContext().now()),
  };
}

/** The ends of a lookup that show that a key was read before, and that no new load will be stored. */
const IS_REPEATED: ReadonlySet<string> = new Set(["hit-memory", "joined"]);
