import type { Entry } from "../../src/core/entry.ts";
import type { MemoryTier } from "../../src/core/tier.ts";

/** One read of a cache. Returns true for a hit; after a miss it has stored the entry. */
export type Replayed = (entry: Entry) => boolean;

const NOW = 1_000_000;

/** Creates one small entry for each key of the traces, so that all caches hold the same objects. */
export function createEntries(count: number): readonly Entry[] {
  return Array.from({ length: count }, (_, id): Entry => {
    const key = `product:${id}`;
    const until = NOW + 3_600_000;
    return {
      key,
      kind: "value",
      body: "{}",
      etag: "",
      invalidationKeys: ["n:", `k:${key}`, "p:product:"],
      storedAt: NOW,
      freshUntil: until,
      staleUntil: until,
      errorUntil: until,
      deleteAt: until,
      asOf: 1,
      era: "era",
      loadCost: 1,
    };
  });
}

export function replayed(tier: MemoryTier): Replayed {
  return (entry) => {
    if (tier.get(entry.key) !== undefined) return true;
    tier.put(entry, NOW);
    return false;
  };
}

export function countHits(keys: Int32Array, entries: readonly Entry[], cache: Replayed): number {
  let hits = 0;
  for (const key of keys) if (cache(entries[key] as Entry)) hits++;
  return hits;
}
