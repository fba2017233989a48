import { append, createList, unlink } from "../../src/tiers/eviction/list.ts";
import type { EvictionOrder, Node } from "../../src/tiers/eviction/order.ts";

const VISITED = 1;

/**
 * SIEVE as the paper gives it: what `src/tiers/eviction/sieve.ts` is measured against.
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
      // The hand stays where it is for everything but its own node.
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
