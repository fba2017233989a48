/**
 * Compares the memory tier's eviction orders with npm's `lru-cache` and the offline optimum: exact
 * hit ratios, and time per operation as ratios within one run.
 */
import { LRUCache } from "lru-cache";
import { type Entry } from "../src/core/entry.ts";
import { sizeOf } from "../src/core/entry-size.ts";
import { createEviction, EVICTIONS, type Eviction } from "../src/tiers/eviction/choice.ts";
import type { EvictionOrder } from "../src/tiers/eviction/order.ts";
import { createMemoryTier } from "../src/tiers/memory.ts";
import { countOptimalHits } from "./eviction/belady.ts";
import { createPlainSieve } from "./eviction/plain-sieve.ts";
import { countHits, createEntries, replayed, type Replayed } from "./eviction/replay.ts";
import { createTraces } from "./eviction/traces.ts";
import { createDice } from "./support/dice.ts";
import { save, show, type Row } from "./support/report.ts";
import { medianNsPerOp } from "./support/time.ts";

const REQUESTS = 120_000;
const ROUNDS = 9;
const PEEKS = 1_000_000;

const traces = createTraces({ requests: REQUESTS, seed: 42 });
const most = traces.reduce((max, { keys }) => keys.reduce((a, b) => Math.max(a, b), max), 0);
const entries = createEntries(most + 1);

function bounded(maxEntries: number, eviction: EvictionOrder): Replayed {
  return replayed(createMemoryTier({ maxBytes: 2 ** 31, maxEntries, eviction }));
}

const ours = (name: Eviction, maxEntries: number): Replayed =>
  bounded(maxEntries, createEviction(name, createDice(1)));

/**
 * Creates an `lru-cache` that is bounded in entries, and in bytes too if `sized`. The memory tier
 * always bounds both.
 */
function lruCache(max: number, sized = false): Replayed {
  const bytes = { maxSize: 2 ** 31, sizeCalculation: sizeOf };
  const cache = new LRUCache<string, Entry>({ max, ...(sized && bytes) });
  return (entry) => {
    if (cache.get(entry.key) !== undefined) return true;
    cache.set(entry.key, entry);
    return false;
  };
}

const ratios: Row[] = traces.flatMap(({ name, keys, capacities }) =>
  capacities.map((capacity): Row => {
    const percent = (hits: number): string => ((100 * hits) / keys.length).toFixed(2);
    const own = EVICTIONS.filter((eviction) => eviction !== "ttl").map(
      (eviction) =>
        [eviction, percent(countHits(keys, entries, ours(eviction, capacity)))] as const,
    );
    return {
      trace: name,
      entries: capacity,
      ...Object.fromEntries(own),
      "plain sieve": percent(countHits(keys, entries, bounded(capacity, createPlainSieve()))),
      "lru-cache": percent(countHits(keys, entries, lruCache(capacity))),
      optimum: percent(countOptimalHits(keys, capacity)),
    };
  }),
);
// Leaves out "ttl": all entries here have the same lifetime, so that it has nothing to order by.
for (const { name, description } of traces) console.log(`${name}: ${description}`);
show(`Hit ratio in percent, ${REQUESTS} requests`, ratios);

const [zipf] = traces;
if (zipf === undefined) throw new Error("there is no trace");
const CAPACITY = 1_000;
const makers: readonly (readonly [string, () => Replayed])[] = [
  ...EVICTIONS.map((name) => [name, () => ours(name, CAPACITY)] as const),
  ["plain sieve", () => bounded(CAPACITY, createPlainSieve())],
  ["lru-cache", () => lruCache(CAPACITY)],
  ["lru-cache, bytes bounded", () => lruCache(CAPACITY, true)],
];
const replays = medianNsPerOp(
  makers.map(([name, create]) => ({
    name,
    run: () => {
      countHits(zipf.keys, entries, create());
      return zipf.keys.length;
    },
  })),
  ROUNDS,
);

/** Measures hits alone: the cache holds every key. */
const hot = entries.slice(0, CAPACITY / 2);
const hits = medianNsPerOp(
  makers.map(([name, create]) => {
    const cache = create();
    for (const entry of hot) cache(entry);
    return {
      name,
      run: () => {
        let found = 0;
        for (let at = 0; at < PEEKS; at++) if (cache(hot[at % hot.length] as Entry)) found++;
        return found;
      },
    };
  }),
  ROUNDS,
);

const base = { replay: replays.get("lru-cache") ?? 1, hit: hits.get("lru-cache") ?? 1 };
const times: Row[] = makers.map(([name]) => {
  const replay = replays.get(name) ?? 0;
  const hit = hits.get(name) ?? 0;
  return {
    cache: name,
    "hit, ns": hit.toFixed(0),
    "hit, of lru-cache": (hit / base.hit).toFixed(2),
    "zipf, ns": replay.toFixed(0),
    "zipf, of lru-cache": (replay / base.replay).toFixed(2),
  };
});
show(`Time per operation, ${CAPACITY} entries, medians of ${ROUNDS} rounds`, times);
save("eviction", { requests: REQUESTS, ratios, times });
