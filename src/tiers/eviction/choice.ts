import { DefinitionError } from "../../core/faults.ts";
import type { Random } from "../../core/random.ts";
import { createFifo } from "./fifo.ts";
import { createLfu } from "./lfu.ts";
import { createLru } from "./lru.ts";
import type { EvictionOrder } from "./order.ts";
import { createRandomOrder } from "./random.ts";
import { createSieve } from "./sieve.ts";
import { createTtl } from "./ttl.ts";

/** The orders in which the memory tier can give entries up; docs/memory-tier.md compares them. */
export const EVICTIONS = ["sieve", "lru", "lfu", "fifo", "random", "ttl"] as const;
export type Eviction = (typeof EVICTIONS)[number];

const ORDERS: Readonly<Record<Eviction, (random: Random) => EvictionOrder>> = {
  sieve: createSieve,
  lru: createLru,
  lfu: createLfu,
  fifo: createFifo,
  random: createRandomOrder,
  ttl: createTtl,
};

/**
 * The order of that name. `random` serves the order "random" alone.
 *
 * @throws {DefinitionError} if there is no such order.
 */
export function createEviction(name: Eviction, random: Random): EvictionOrder {
  if (!Object.hasOwn(ORDERS, name))
    throw new DefinitionError("eviction", `must be one of ${EVICTIONS.join(", ")}`);
  return ORDERS[name](random);
}
