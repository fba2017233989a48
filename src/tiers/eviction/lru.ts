import { append, createList, unlink } from "./list.ts";
import type { EvictionOrder, Node } from "./order.ts";

/** Evicts the least recently used entry: a hit moves its node to the newest end of a list. */
export function createLru(): EvictionOrder {
  const list = createList();

  const visit = (node: Node): void => {
    if (list.newest === node) return;
    unlink(list, node);
    append(list, node);
  };
  return {
    add: (node) => append(list, node),
    visit,
    update: visit,
    remove: (node) => unlink(list, node),
    victim: () => list.oldest,
    clear() {
      list.oldest = list.newest = undefined;
    },
  };
}
