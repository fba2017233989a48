import type { Entry } from "../../core/entry.ts";

/**
 * An entry with its place in the eviction order. All orders share this one shape, so that the
 * code of a hit stays monomorphic and allocates nothing: an order keeps its state in the two
 * numbers and the two links.
 */
export interface Node {
  entry: Entry;
  bytes: number;
  rank: number;
  born: number;
  newer: Node | undefined;
  older: Node | undefined;
}

/** Decides which entry the memory tier evicts. The tier reports every node that it holds. */
export interface EvictionOrder {
  /** Adds a node that is new in the tier. */
  add(node: Node): void;
  /** Records a hit. It runs on the hot path and must not allocate. */
  visit(node: Node): void;
  /** Records that the node's entry was replaced. This counts as a hit too. */
  update(node: Node): void;
  /** Removes a node that has left the tier: evicted, deleted or too large for its new entry. */
  remove(node: Node): void;
  /** Returns the node to evict, or undefined if there is none. The tier then calls `remove`. */
  victim(): Node | undefined;
  clear(): void;
}
