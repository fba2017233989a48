/**
 * Invalidations that are numbered together, which is modelled and not built: an object holds the
 * first one for a while, and numbers with it all that come meanwhile, in one script.
 */
import { createDice } from "../support/dice.ts";
import { invalidationExchange } from "./redis-answer.ts";

export interface GroupCommit {
  readonly invalidationsPerSecond: number;
  /** The number of objects that share the invalidations, each with groups of its own. */
  readonly objects: number;
  readonly holdMs: number;
  readonly countedMs: number;
  readonly seed: number;
}

export interface Grouped {
  readonly redisCommands: number;
  readonly redisBytes: number;
  /** The milliseconds for which each invalidation was held. */
  readonly heldMs: readonly number[];
}

/** Returns what all groups together used, in `countedMs`. */
export function groupInvalidations(options: GroupCommit): Grouped {
  const { objects, holdMs, countedMs } = options;
  const dice = createDice(options.seed);
  const meanGapMs = (1_000 * objects) / options.invalidationsPerSecond;
  const heldMs: number[] = [];
  let redisCommands = 0;
  let redisBytes = 0;
  const nextAfter = (instant: number): number => instant - Math.log(1 - dice()) * meanGapMs;
  for (let object = 0; object < objects; object++) {
    let instant = nextAfter(0);
    while (instant < countedMs) {
      const closesAt = instant + holdMs;
      let members = 0;
      for (; instant < closesAt; instant = nextAfter(instant), members++)
        heldMs.push(closesAt - instant);
      const { commands, bytes } = invalidationExchange(members);
      redisCommands += commands;
      redisBytes += bytes;
    }
  }
  return { redisCommands, redisBytes, heldMs };
}
