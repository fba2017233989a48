/**
 * The entry `strata/eviction`: the orders in which a full memory tier removes entries, besides SIEVE,
 * which is the default: `createStrata({ namespace: "shop", memory: { eviction: lru } })`.
 */
export { createFifo as fifo } from "../tiers/eviction/fifo.ts";
export { createLfu as lfu } from "../tiers/eviction/lfu.ts";
export { createLru as lru } from "../tiers/eviction/lru.ts";
export { createRandomOrder as random } from "../tiers/eviction/random.ts";
export { createTtl as ttl } from "../tiers/eviction/ttl.ts";
export type { CreateEviction } from "../tiers/eviction/order.ts";
