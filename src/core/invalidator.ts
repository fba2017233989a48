import type { Context } from "./context.ts";
import type { LogAnswer } from "./log.ts";
import type { LogKey } from "./invalidation-key.ts";
import type { Mark } from "./log-marks.ts";
import type { Result } from "./result.ts";
import type { Era, Seq } from "./seq.ts";

/** The log's answer to an invalidation. */
export interface Invalidation {
  /** The number that the log gave to the invalidation. */
  readonly seq: Seq;
  readonly era: Era;
  /**
   * The highest number that a log key of this invalidation, or a watched one, may have had before
   * it. It is at least the floor, because numbers up to the floor may have been trimmed; 0 if there
   * is no number.
   */
  readonly previous: Seq;
  /** The log after the invalidation, if the store knows it. */
  readonly log?: LogAnswer;
}

/** The part of the engine that writers use. */
export interface Invalidator {
  /**
   * Invalidates the log keys in this isolate at once, before the log has given them a number. A mark
   * that is neither numbered nor taken back ends with an answer of the log that was asked for long after it.
   */
  markInvalidated(logKeys: readonly LogKey[]): Mark;
  /** Takes a mark back, because its invalidation has failed for good. */
  unmark(mark: Mark): void;
  /**
   * Invalidates the log keys for all isolates. The invalidation is acknowledged when the result is
   * ok. A repeated call does no harm. `watched` are log keys that it does not invalidate, but
   * whose numbers count for `previous`. Default none.
   */
  invalidate(
    logKeys: readonly LogKey[],
    ctx: Context,
    watched?: readonly LogKey[],
  ): Promise<Result<Invalidation>>;
  /** Returns the log's number of each log key. The number is 0 for a log key that the log lacks. */
  numbers(logKeys: readonly LogKey[], ctx: Context): Promise<Result<readonly Seq[]>>;
}
