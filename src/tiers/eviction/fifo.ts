import { append, createList, unlink } from "./list.ts";
import type { EvictionOrder } from "./order.ts";

const nothing = (): void => undefined;

/** Evicts the entry that was added first. Hits and replacements do not change the order. */
export function createFifo(): EvictionOrder {
  const list = createList();
  return {
    add: (node) => append(list, node),
    visit: nothing,
    update: nothing,
    remove: (node) => unlink(list, node),
    victim: () => list.oldest,
    clear() {
      list.oldest = list.newest = undefined;
    },
  };
}
