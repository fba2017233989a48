import { append, createList, unlink, type NodeList } from "./list.ts";
import type { EvictionOrder, Node } from "./order.ts";

/** The highest number of visits that is recorded. A node that is visited more often stays at this number. */
const MAX_VISITS = 255;

/**
 * Evicts the least frequently used entry, and of several such entries the least recently used one.
 * There is one list for each number of visits. All lists are created in advance, so that a hit only
 * moves a node. The number of visits never falls, so an entry that was popular once stays until all
 * less popular entries are gone.
 *
 * @see Shah, Mitra, Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme".
 */
export function createLfu(): EvictionOrder {
  const lists = Array.from({ length: MAX_VISITS + 1 }, createList);
  /** The lists for fewer visits than this are all empty. */
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
