import type { Context } from "./context.ts";
import type { Entry } from "./entry.ts";
import type { LogKey } from "./invalidation-key.ts";
import type { Invalidation } from "./invalidator.ts";
import type { LogAnswer } from "./log.ts";
import type { Result } from "./result.ts";
import type { Era, Seq } from "./seq.ts";
import type { Millis } from "./time.ts";

/** An entry of the shared store with the highest numbers of its invalidation keys at the instant of the read. */
export interface Verified {
  readonly entry: Entry;
  readonly hard: Seq;
  readonly soft: Seq;
}

/**
 * Redis as the engine sees it: entries and the invalidation log. One request reads both, so that
 * an entry is validated at the instant at which it is read. Each method is one request to Redis.
 *
 * `since` is the number up to which the isolate knows the log: the answer has the changes from
 * there on. Undefined asks for the era, newest number and floor alone.
 */
export interface SharedStore {
  /** The entries under the keys, undefined for each that is missing, and the log. */
  read(
    keys: readonly string[],
    since: Seq | undefined,
    ctx: Context,
  ): Promise<Result<{ found: readonly (Verified | undefined)[]; log: LogAnswer }>>;
  /** The highest numbers of the log keys, and the log, without entries. */
  verify(
    logKeys: readonly LogKey[],
    since: Seq | undefined,
    ctx: Context,
  ): Promise<Result<{ hard: Seq; soft: Seq; log: LogAnswer }>>;
  /** The log alone. */
  sync(since: Seq | undefined, ctx: Context): Promise<Result<LogAnswer>>;
  /**
   * Asks the primary, not a replica. Creates the era if there is none, and a new one if the log
   * lost numbers that `known` has.
   */
  establish(
    known: { era: Era | undefined; seq: Seq | undefined },
    ctx: Context,
  ): Promise<Result<LogAnswer>>;
  write(entries: readonly Entry[], ctx: Context): Promise<Result<void>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
  /** Gives the log keys a new number. Acknowledged when it resolves with ok. Safe to repeat. */
  invalidate(logKeys: readonly LogKey[], ctx: Context): Promise<Result<Invalidation>>;
  /** The number of each log key; 0 for one that the log lacks. */
  numbers(logKeys: readonly LogKey[], ctx: Context): Promise<Result<readonly Seq[]>>;
  /** Removes numbers older than `keepMs` from the log and raises the floor. Returns the floor. */
  trim(keepMs: Millis, ctx: Context): Promise<Result<Seq>>;
}
