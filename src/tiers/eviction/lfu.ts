import { append, createList, unlink, type NodeList } from "./list.ts";
import type { EvictionOrder, Node } from "./order.ts";

/** The highest count. A node that is visited more often keeps this one. */
const MAX_VISITS = 255;

/**
 * Evicts the least frequently used entry, and among equals the least recently used. There is one
 * list for each number of visits. All lists are made beforehand, so that a hit only moves a node.
 * Counts never fall, so an entry that was popular once stays until all less popular entries are gone.
 *
 * @see Shah, Mitra, Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme".
 */
export function createLfu(): EvictionOrder {
  const lists = Array.from({ length: MAX_VISITS + 1 }, createList);
  /** All lists below this count are empty. */
  let least = 0;

  const listOf = (node: Node): NodeList => lists[node.rank] as NodeList;
  const visit = (node: Node): void => {
    unlink(listOf(node), node);
    if (node.rank < MAX_VISITS) node.rank++;
    append(listOf(node), node);
  };
  return {
    add(node) {
      append(listOf(node), node);
      least = 0;
    },
    visit,
    update: visit,
    remove: (node) => unlink(listOf(node), node),
    victim() {
      while (least < MAX_VISITS && lists[least]?.oldest === undefined) least++;
      return lists[least]?.oldest;
    },
    clear() {
      for (const list of lists) list.oldest = list.newest = undefined;
      least = 0;
    },
  };
}
