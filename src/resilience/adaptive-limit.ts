import type { CallOutcome } from "../core/origin-slots.ts";

/** A limit of concurrent calls that follows how the calls end. */
export interface AdaptiveLimit {
  /** The number of calls that may run at the same time. */
  current(): number;
  /** Notes that a call begins as the `running`th. Returns the epoch, which `ended` needs. */
  began(running: number): number;
  ended(epoch: number, outcome: CallOutcome): void;
}

export interface AdaptiveLimitOptions {
  readonly min: number;
  /** The limit never exceeds it, and begins with it. */
  readonly max: number;
}

/** A round has at least this many calls, so that one bad call alone does not lower a low limit. */
const MIN_ROUND = 10;
/** More bad calls than this share of a round lower the limit. A key that always fails stays below it. */
const BAD_SHARE = 0.2;
const DECREASE = 0.5;

/**
 * Additive increase, multiplicative decrease (AIMD), decided in rounds of about `limit` calls.
 *
 * ```
 *            a round with few bad calls, and the limit was reached: limit + 1
 *           .----------------------------------------------------.
 *           v                                                    |
 *   [ count good and bad calls ] ------ the round is full -------'
 *           ^                  |
 *           '------------------'  over a fifth are bad: limit / 2, next epoch
 * ```
 *
 * Calls that began in an earlier epoch say nothing about the new limit and are not counted. So calls
 * that hang together halve the limit once, not once each. A limit that was not reached does not
 * grow. The latency of an idle origin is not measured: it moves with the mix of loads, and a limit that
 * follows it would fall without cause.
 *
 * @see Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance", 1989
 * @see https://github.com/Netflix/concurrency-limits, AIMDLimit
 */
export function createAdaptiveLimit({ min, max }: AdaptiveLimitOptions): AdaptiveLimit {
  let limit = max;
  let epoch = 0;
  let good = 0;
  let bad = 0;
  let wasReached = false;

  function beginRound(): void {
    good = 0;
    bad = 0;
    wasReached = false;
  }

  return {
    current: () => limit,
    began(running) {
      if (running >= limit) wasReached = true;
      return epoch;
    },
    ended(begunIn, outcome) {
      if (outcome === "unknown" || begunIn !== epoch) return;
      if (outcome === "good") good++;
      else bad++;
      const round = Math.max(MIN_ROUND, limit);
      if (bad > round * BAD_SHARE) {
        limit = Math.max(min, Math.floor(limit * DECREASE));
        epoch++;
        beginRound();
      } else if (good + bad >= round) {
        if (wasReached) limit = Math.min(max, limit + 1);
        beginRound();
      }
    },
  };
}

/** The limit of origin calls does not fall below this share of the slots. */
const MIN_SHARE = 1 / 8;

/** Creates the limit of calls that have this many slots. */
export function createSlotLimit(slots: number): AdaptiveLimit {
  return createAdaptiveLimit({ min: Math.ceil(slots * MIN_SHARE), max: slots });
}

/** A limit that never changes. */
export function fixedLimit(limit: number): AdaptiveLimit {
  return { current: () => limit, began: () => 0, ended: () => undefined };
}
