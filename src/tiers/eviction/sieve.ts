import { createGhosts } from "./ghosts.ts";
import { append, createList, unlink } from "./list.ts";
import type { EvictionOrder, Node } from "./order.ts";

const UNREAD = 0;
/** A slice ends after this many evictions, given as a share of the entries in the tier. */
const SLICE_SHARE = 1 / 8;
/**
 * The weight of a newcomer's hit; other hits have the weight 1. With this weight the balance is
 * above 0 if newcomers get more than a third of all hits.
 */
const NEWCOMER_WEIGHT = 2;
/** If the balance is above this, other keys have become popular. A few random hits do not reach it. */
const CHANGE_MARGIN = 8;

/**
 * SIEVE: a hit marks its node and moves no node. A hand walks from the oldest to the newest node
 * and evicts the first one that was not read since the hand last reached it. So keys that are read
 * once do not evict keys that are read often.
 *
 * Plain SIEVE adapts slowly when other keys become popular. Two additions make it faster
 * (docs/decisions/0012-sieve-with-ghosts-and-restart.md):
 *
 * - A key that is added again soon after its eviction is added as read.
 * - A mark is the number of the slice in which the read happened. When newcomers get more than a
 *   third of all hits, older marks are out of date: the hand starts again at the oldest node, and
 *   marks from earlier slices are ignored.
 *
 * @see Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 * @see https://github.com/ben-manes/caffeine/pull/1518 for the first addition.
 */
export function createSieve(): EvictionOrder {
  const list = createList();
  const ghosts = createGhosts();
  let size = 0;
  let hand: Node | undefined;
  /** The number of the current slice. Evictions advance it, not time. The first slice is 1. */
  let slice = 1;
  let leftInSlice = 0;
  /** Marks from slices before this one are ignored. */
  let currentFrom = 1;
  /**
   * The weighted hits of newcomers, less all other hits in this slice. A newcomer is a node that
   * was added in this slice or the previous one.
   */
  let balance = 0;

  const visit = (node: Node): void => {
    balance += node.born >= slice - 1 ? NEWCOMER_WEIGHT : -1;
    node.rank = slice;
  };
  function endSlice(): void {
    // All nodes that exist at the first eviction were added in slice 1. They must not count as
    // newcomers either.
    if (slice === 1 || balance > CHANGE_MARGIN) {
      currentFrom = slice;
      hand = undefined;
      // One slice number is skipped, so that no node that exists now is a newcomer in the next
      // slice.
      slice++;
    }
    slice++;
    balance = 0;
    leftInSlice = Math.floor(size * SLICE_SHARE);
  }
  return {
    add(node) {
      append(list, node);
      size++;
      node.born = slice;
      node.rank = ghosts.has(node.entry.key) ? slice : UNREAD;
    },
    visit,
    update: visit,
    remove(node) {
      // If the hand points to this node, it moves on to the next one.
      if (hand === node) hand = node.newer;
      unlink(list, node);
      size--;
    },
    victim() {
      if (leftInSlice-- === 0) endSlice();
      hand ??= list.oldest;
      while (hand !== undefined && hand.rank >= currentFrom) {
        hand.rank = UNREAD;
        hand = hand.newer ?? list.oldest;
      }
      if (hand !== undefined) ghosts.add(hand.entry.key, size);
      return hand;
    },
    clear() {
      list.oldest = list.newest = hand = undefined;
      size = balance = leftInSlice = 0;
      slice = currentFrom = 1;
      ghosts.clear();
    },
  };
}
