import { createGhosts } from "./ghosts.ts";
import { append, createList, unlink } from "./list.ts";
import type { EvictionOrder, Node } from "./order.ts";

const UNREAD = 0;
/** So much of what is held is given up in one slice of the order's time. */
const SLICE = 1 / 8;
/** A newcomer's hit weighs as much as two of others: the scales turn at a third of all hits. */
const NEWCOMER_WEIGHT = 2;
/** How far the scales have to turn, which a few hits by chance do not bring about. */
const MARGIN = 8;

/**
 * SIEVE: a hit marks its node and moves nothing; a hand walks from the oldest to
 * the newest and gives up the first node that was not read since it last came
 * by. What is read once does not push out what is read often.
 *
 * Plain SIEVE is slow to notice that other things have become popular. Two
 * additions make up for that (docs/decisions/0012-sieve-with-ghosts-and-restart.md):
 *
 * - A key that comes back soon after it was given up is taken as read.
 * - A mark is the time of the read. When newcomers get a third of all hits, what
 *   was read before is out of date: the hand starts over at the oldest, and
 *   marks from before count no more.
 *
 * @see Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 * @see https://github.com/ben-manes/caffeine/pull/1518 for the first addition.
 */
export function createSieve(): EvictionOrder {
  const list = createList();
  const ghosts = createGhosts();
  let held = 0;
  let hand: Node | undefined;
  /** The order's time, which passes as it gives up: slices are numbered from 1. */
  let slice = 1;
  let leftInSlice = 0;
  /** The oldest slice whose marks count. */
  let currentFrom = 1;
  /** The weighed hits of newcomers, those that came in this slice or the one before, less all others. */
  let scales = 0;

  const visit = (node: Node): void => {
    scales += node.born >= slice - 1 ? NEWCOMER_WEIGHT : -1;
    node.rank = slice;
  };
  function endSlice(): void {
    // Before the first one goes, all that are held came in the first slice.
    if (slice === 1 || scales > MARGIN) {
      currentFrom = slice;
      hand = undefined;
      // None of those that are here is a newcomer from now on.
      slice++;
    }
    slice++;
    scales = 0;
    leftInSlice = Math.floor(held * SLICE);
  }
  return {
    add(node) {
      append(list, node);
      held++;
      node.born = slice;
      node.rank = ghosts.has(node.entry.key) ? slice : UNREAD;
    },
    visit,
    update: visit,
    remove(node) {
      // The hand stays where it is for everything but its own node.
      if (hand === node) hand = node.newer;
      unlink(list, node);
      held--;
    },
    victim() {
      if (leftInSlice-- === 0) endSlice();
      hand ??= list.oldest;
      while (hand !== undefined && hand.rank >= currentFrom) {
        hand.rank = UNREAD;
        hand = hand.newer ?? list.oldest;
      }
      if (hand !== undefined) ghosts.add(hand.entry.key, held);
      return hand;
    },
    clear() {
      list.oldest = list.newest = hand = undefined;
      held = scales = leftInSlice = 0;
      slice = currentFrom = 1;
      ghosts.clear();
    },
  };
}
