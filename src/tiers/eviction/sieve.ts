import { append, createList, unlink } from "./list.ts";
import type { EvictionOrder, Node } from "./order.ts";

const VISITED = 1;

/**
 * SIEVE: a hit sets one bit and moves nothing; a hand walks from the oldest to
 * the newest and gives up the first node that was not visited since it last came
 * by. What is read once does not push out what is read often.
 *
 * @see Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 */
export function createSieve(): EvictionOrder {
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
