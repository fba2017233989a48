/**
 * Invalidations that log objects number together, as src/durable/log-groups.ts does: the first one is
 * sent at once, and those that come within a tick of the start of a group wait for its end.
 */
import { MAX_GROUP_KEYS } from "../../src/core/log-groups.ts";
import { createDice } from "../support/dice.ts";
import { invalidationExchange } from "./redis-answer.ts";

export interface GroupCommit {
  readonly invalidationsPerSecond: number;
  /** The number of objects that share the invalidations, each with groups of its own. */
  readonly objects: number;
  readonly tickMs: number;
  readonly countedMs: number;
  readonly seed: number;
}

export interface Grouped {
  readonly redisCommands: number;
  readonly redisBytes: number;
  /** The milliseconds for which each invalidation waited for its group. */
  readonly heldMs: readonly number[];
}

/** Returns the invalidations of each group, as the milliseconds that each of them waits. */
export function groupArrivals(arrivals: readonly number[], tickMs: number): number[][] {
  const groups: number[][] = [];
  let startsAt = Number.NEGATIVE_INFINITY;
  for (const arrival of arrivals) {
    const last = groups.at(-1);
    if (last !== undefined && arrival < startsAt) last.push(startsAt - arrival);
    else {
      startsAt = Math.max(arrival, startsAt + tickMs);
      groups.push([startsAt - arrival]);
    }
  }
  return groups;
}

/** Returns what all groups together used, in `countedMs`. */
export function groupInvalidations(options: GroupCommit): Grouped {
  const { objects, tickMs, countedMs } = options;
  const dice = createDice(options.seed);
  const meanGapMs = (1_000 * objects) / options.invalidationsPerSecond;
  const heldMs: number[] = [];
  let redisCommands = 0;
  let redisBytes = 0;
  const nextAfter = (instant: number): number => instant - Math.log(1 - dice()) * meanGapMs;
  for (let object = 0; object < objects; object++) {
    const arrivals: number[] = [];
    for (let at = nextAfter(0); at < countedMs; at = nextAfter(at)) arrivals.push(at);
    for (const group of groupArrivals(arrivals, tickMs)) {
      heldMs.push(...group);
      // Each invalidation has one log key of its own.
      for (let left = group.length; left > 0; left -= MAX_GROUP_KEYS) {
        const { commands, bytes } = invalidationExchange(Math.min(left, MAX_GROUP_KEYS));
        redisCommands += commands;
        redisBytes += bytes;
      }
    }
  }
  return { redisCommands, redisBytes, heldMs };
}
