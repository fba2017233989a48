/** Reads and renews stored values without a load. */
import { freshnessOf } from "../core/entry.ts";
import { renewedCopy } from "../core/renewed-copy.ts";
import type { Context } from "../core/context.ts";
import type { Lookup } from "../core/lookup.ts";
import type { Policy } from "../core/policy.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import { emitLookupEnd, lookupOf, type Lookups } from "./lookup.ts";
import type { FreshnessOf, LoadTask } from "./lookup-request.ts";
import type { SearchTiers } from "./search-tiers.ts";
import type { SharedReader } from "./shared-reader.ts";
import type { EntryStore } from "./store-entry.ts";
import { answersWithoutLoad, foundIn, validate } from "./validation.ts";

export interface StoredValues {
  /**
   * Returns the value that the tiers hold, fresh or in its stale window. It loads nothing and starts no
   * refresh.
   */
  find(
    key: string,
    policy: Policy,
    ctx: Context,
    freshnessOf: FreshnessOf,
  ): Promise<Lookup | undefined>;
  /**
   * Returns the value that memory holds, if the log view is recent enough for the policy. It makes no
   * request, and the eviction order does not count it as a use.
   */
  peek(key: string, policy: Policy, ctx: Context, freshnessOf: FreshnessOf): Lookup | undefined;
  /**
   * Gives a stored value a new lifetime from now on, in the tiers of the policy. Returns whether there
   * is such a value.
   */
  renew(
    key: string,
    policy: Policy,
    freshForMs: Millis | undefined,
    ctx: Context,
  ): Promise<boolean>;
}

export interface StoredValuesOptions {
  readonly memory: MemoryTier;
  readonly coherence: Coherence;
  readonly lookups: Pick<Lookups, "createRequest" | "readMemory">;
  readonly searchTiers: SearchTiers;
  /** Undefined if the shared store holds no entries. */
  readonly shared: SharedReader | undefined;
  readonly entryStore: EntryStore;
}

/** A search of the tiers ends before a load. */
const NO_LOAD: LoadTask["load"] = async () => ({ storable: false });

export function createStoredValues(options: StoredValuesOptions): StoredValues {
  const { memory, coherence, lookups, searchTiers, shared, entryStore } = options;

  const find: StoredValues["find"] = async (key, policy, ctx, freshness) => {
    const task = { load: NO_LOAD, freshnessOf: freshness };
    const request = lookups.createRequest(key, policy, task, ctx);
    const inMemory = await lookups.readMemory(request);
    const outcome = "kind" in inMemory ? inMemory : await searchTiers(inMemory);
    if ("kind" in outcome && outcome.kind !== "failed") {
      const lookup = lookupOf(key, outcome, true);
      emitLookupEnd(lookup, ctx);
      return lookup;
    }
    ctx.emit({
      type: "lookup.end",
      key,
      status: "miss",
      negative: false,
      unreachable: false,
      searched: true,
    });
    return undefined;
  };

  return {
    find,

    peek(key, policy, ctx, freshnessFor) {
      const now = ctx.now();
      const entry = policy.tiers.has("memory") ? memory.peek(key, now) : undefined;
      const confirmedAt = coherence.currentAt();
      const isCurrent = confirmedAt <= now && confirmedAt >= now - policy.coherenceMs;
      if (entry === undefined || !isCurrent) return undefined;
      const read = { policy, startedAt: now };
      const verdict = coherence.verdictOf(entry);
      const validation = validate(entry, verdict, "current", confirmedAt, read, now);
      if (validation.use !== "serve" || validation.onlyIfLoadFails) return undefined;
      const freshness = freshnessFor(validation.entry, now);
      if (!answersWithoutLoad(freshness)) return undefined;
      return lookupOf(key, foundIn("memory", validation, freshness), true);
    },

    async renew(key, policy, freshForMs, ctx) {
      // The shared store may have a newer value than this isolate.
      const read = { key, policy, startedAt: ctx.now(), ctx };
      const found = policy.tiers.has("redis") ? await shared?.read([read]) : undefined;
      const served = typeof found === "object" ? found[0]?.served : undefined;
      const isUsable = served && !served.onlyIfLoadFails && served.freshness === "fresh";
      const here = isUsable ? undefined : await find(key, policy, ctx, freshnessOf);
      const entry = isUsable ? served.entry : here?.entry;
      if (entry === undefined || entry.kind === "absent" || here?.status === "stale") return false;
      // A refresh may have stored a newer value meanwhile.
      const newest = memory.peek(key, ctx.now());
      if (newest !== undefined && newest.storedAt > entry.storedAt) return true;
      const copy = renewedCopy(entry, policy, freshForMs, ctx.now());
      entryStore.store(copy, { policy, ctx, logReachable: here?.unreachable !== true });
      return true;
    },
  };
}
