import type { Random } from "../../core/random.ts";
import type { Entry } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";

/**
 * An entry with its place in the eviction order. All orders use this one shape and keep their state
 * in its two numbers and two links, so that the code of a hit stays monomorphic and allocates
 * nothing.
 */
export interface Node {
  entry: Entry;
  bytes: number;
  /** The tier keeps the copy until then. Infinity: until the entry's `deleteAt`. */
  keepUntil: EpochMs;
  rank: number;
  born: number;
  newer: Node | undefined;
  older: Node | undefined;
}

/** Decides which entry the memory tier evicts. The tier tells it about every node that it holds. */
export interface EvictionOrder {
  /** Adds a node that is new in the tier. */
  add(node: Node): void;
  /** Records a hit. It runs for every hit of the tier, so it must not allocate. */
  visit(node: Node): void;
  /** Records that the node's entry was replaced. A replacement has the effect of a hit. */
  update(node: Node): void;
  /** Removes a node that has left the tier, because it was evicted or deleted or because its new entry is too large. */
  remove(node: Node): void;
  /** Returns the node to evict, or undefined if the tier is empty. The tier then calls `remove`. */
  victim(): Node | undefined;
  clear(): void;
}

/** Creates the eviction order of one tier. */
export type CreateEviction = (random: Random) => EvictionOrder;
