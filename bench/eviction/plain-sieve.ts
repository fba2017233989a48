import { append, createList, unlink } from "../../src/tiers/eviction/list.ts";
import type { EvictionOrder, Node } from "../../src/tiers/eviction/order.ts";

const VISITED = 1;

/**
 * Creates SIEVE as in the paper, the baseline of `src/tiers/eviction/sieve.ts`.
 *
 * @see Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 */
export function createPlainSieve(): EvictionOrder {
  const list = createList();
  let hand: Node | undefined;

  const visit = (node: Node): void => {
    node.rank = VISITED;
  };
  return {
    add: (node) => append(list, node),
    visit,
    update: visit,
    remove(node) {
      // The hand moves only if its own node is removed.
      if (hand === node) hand = node.newer;
      unlink(list, node);
    },
    victim() {
      hand ??= list.oldest;
      while (hand?.rank === VISITED) {
        hand.rank = 0;
        hand = hand.newer ?? list.oldest;
      }
      return hand;
    },
    clear() {
      list.oldest = list.newest = hand = undefined;
    },
  };
}
