import { DefinitionError } from "../../core/faults.ts";
import type { Random } from "../../core/random.ts";
import { createFifo } from "./fifo.ts";
import { createLfu } from "./lfu.ts";
import { createLru } from "./lru.ts";
import type { EvictionOrder } from "./order.ts";
import { createRandomOrder } from "./random.ts";
import { createSieve } from "./sieve.ts";
import { createTtl } from "./ttl.ts";

/** The names of the eviction orders. docs/memory-tier.md compares them. */
export const EVICTIONS = ["sieve", "lru", "lfu", "fifo", "random", "ttl"] as const;
/**
 * The name of an eviction order: SIEVE, LRU, LFU, FIFO, "random" for a random choice, or "ttl" for
 * the entry with the least time left.
 */
export type Eviction = (typeof EVICTIONS)[number];

const ORDERS: Readonly<Record<Exclude<Eviction, "random">, () => EvictionOrder>> = {
  sieve: createSieve,
  lru: createLru,
  lfu: createLfu,
  fifo: createFifo,
  ttl: createTtl,
};

/**
 * Creates the eviction order of that name, for use in one tier. Only the order "random" needs the
 * parameter `random`.
 *
 * @throws {DefinitionError} if there is no such order, or if "random" lacks `random`.
 */
export function createEviction(name: Eviction, random?: Random): EvictionOrder {
  if (!EVICTIONS.includes(name))
    throw new DefinitionError("eviction", `must be one of ${EVICTIONS.join(", ")}`);
  if (name !== "random") return ORDERS[name]();
  if (random === undefined)
    throw new DefinitionError("random", 'must be given with the eviction order "random"');
  return createRandomOrder(random);
}
