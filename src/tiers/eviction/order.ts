import type { Entry } from "../../core/entry.ts";

/**
 * An entry's place in the memory tier. One shape for every policy, so that the
 * hot path stays monomorphic and a hit allocates nothing: a policy keeps what it
 * needs in the two numbers and in the two links.
 */
export interface Node {
  entry: Entry;
  bytes: number;
  rank: number;
  born: number;
  newer: Node | undefined;
  older: Node | undefined;
}

/** In which order the memory tier gives entries up. It sees every node that is in the tier. */
export interface EvictionOrder {
  /** A new node is in the tier. */
  add(node: Node): void;
  /** A hit: the hot path. It must not allocate. */
  visit(node: Node): void;
  /** The node's entry was replaced, which is a visit too. */
  update(node: Node): void;
  /** The node has left, whoever wanted it to. */
  remove(node: Node): void;
  /** The node to give up; undefined only if there is none. The tier removes it. */
  victim(): Node | undefined;
  clear(): void;
}
