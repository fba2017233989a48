import { createGhosts } from "./ghosts.ts";
import { append, createList, unlink } from "./list.ts";
import type { EvictionOrder, Node } from "./order.ts";

const UNREAD = 0;
/** A slice ends after this many evictions, given as a share of the entries in the tier. */
const SLICE_SHARE = 1 / 8;
/** A hit of a newcomer weighs as much as two others, so that the balance rises above 0 at a third of all hits. */
const NEWCOMER_WEIGHT = 2;
/** The balance at which popularity counts as changed. A few chance hits do not reach it. */
const CHANGE_MARGIN = 8;

/**
 * SIEVE: a hit marks its node and moves nothing. A hand walks from the oldest to the newest node
 * and evicts the first one that was not read since the hand last passed it. Keys that are read
 * once do not evict keys that are read often.
 *
 * Plain SIEVE is slow to notice that other keys have become popular. Two additions make up for
 * that (docs/decisions/0012-sieve-with-ghosts-and-restart.md):
 *
 * - A key that comes back soon after its eviction is added as read.
 * - A mark is the number of the slice in which the read happened. When newcomers get a third of
 *   all hits, older marks are out of date: the hand starts over at the oldest node, and marks from
 *   earlier slices no longer count.
 *
 * @see Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 * @see https://github.com/ben-manes/caffeine/pull/1518 for the first addition.
 */
export function createSieve(): EvictionOrder {
  const list = createList();
  const ghosts = createGhosts();
  let size = 0;
  let hand: Node | undefined;
  /** The current slice. Time passes with evictions; slices are numbered from 1. */
  let slice = 1;
  let leftInSlice = 0;
  /** Marks from slices before this one are ignored. */
  let currentFrom = 1;
  /** The weighted hits of newcomers, less all other hits. A newcomer was added in this slice or the one before. */
  let balance = 0;

  const visit = (node: Node): void => {
    balance += node.born >= slice - 1 ? NEWCOMER_WEIGHT : -1;
    node.rank = slice;
  };
  function endSlice(): void {
    // Before the first eviction, all nodes are from the first slice.
    if (slice === 1 || balance > CHANGE_MARGIN) {
      currentFrom = slice;
      hand = undefined;
      // Skips a slice, so that no present node counts as a newcomer from now on.
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
      // The hand moves only if its own node is removed.
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
