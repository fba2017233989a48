import type { Context } from "./context.ts";
import type { Entry } from "./entry.ts";
import type { ErasedPage, ErasureScope } from "./erasure.ts";
import type { Fault } from "./faults.ts";
import type { InvalidationKey, LogKey } from "./invalidation-key.ts";
import type { Invalidation } from "./invalidator.ts";
import type { LogAnswer } from "./log.ts";
import type { HighestNumbers } from "./log-verdict.ts";
import type { Result } from "./result.ts";
import type { Era, Seq } from "./seq.ts";
import type { Millis } from "./time.ts";

/** An entry of the shared store, with its numbers at the instant of the read. */
export interface Verified extends HighestNumbers {
  readonly entry: Entry;
}

/** The result of a write of entries. */
export interface Written {
  /** The keys of the entries that Redis has accepted. */
  readonly keys: ReadonlySet<string>;
  /** The number of requests that were sent. */
  readonly requests: number;
  /**
   * The first fault of a request or an entry. If there is none, the entries that are not stored are
   * too long, or past their `deleteAt`.
   */
  readonly fault?: Fault;
}

/**
 * Redis as the engine sees it: entries and the invalidation log. One request reads both, so that an
 * entry is validated at the instant at which it is read. Each method sends one request to Redis, but
 * for a write of more than 900,000 characters.
 *
 * `since` is the newest number that the isolate knows, 0 if it knows none. The answer has the changes
 * from that number on: the newest 1,000, unless the method says otherwise.
 */
export interface SharedStore {
  /** Returns the entries under the keys, and the log. A missing entry is undefined. */
  read(
    keys: readonly string[],
    since: Seq,
    ctx: Context,
  ): Promise<Result<{ found: readonly (Verified | undefined)[]; log: LogAnswer }>>;
  /**
   * Returns the numbers of entries that the caller holds, in their order, and the log. `entries` has
   * the invalidation keys of each entry.
   */
  verify(
    entries: readonly (readonly InvalidationKey[])[],
    since: Seq,
    ctx: Context,
  ): Promise<Result<{ numbers: readonly HighestNumbers[]; log: LogAnswer }>>;
  /** Returns the log alone, with at most `limit` changes. */
  sync(since: Seq, limit: number, ctx: Context): Promise<Result<LogAnswer>>;
  /**
   * Asks the primary, not a replica. Creates an era if there is no log. Creates a new era if the
   * log has lost numbers that are in `known`.
   */
  establish(known: { era: Era | undefined; seq: Seq }, ctx: Context): Promise<Result<LogAnswer>>;
  /**
   * Stores entries, with a request for every 900,000 characters. The entries of a request that fails
   * are not stored, but the others are. Fails if no entry is stored.
   */
  write(entries: readonly Entry[], ctx: Context): Promise<Result<Written>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
  /**
   * Does one part of an erasure: looks at `pageSize` entries, near enough, from `cursor` on, "" for the
   * beginning, and removes those of the scope. All parts together find every entry that was stored before the
   * first one. Undefined if the store keeps no entries.
   */
  erase?(
    scope: ErasureScope,
    cursor: string,
    pageSize: number,
    ctx: Context,
  ): Promise<Result<ErasedPage>>;
  /**
   * Gives the log keys a new number. The invalidation is acknowledged when the result is ok. A
   * repeated call does no harm. The watched log keys get no number, but count for `previous`.
   */
  invalidate(
    logKeys: readonly LogKey[],
    watched: readonly LogKey[],
    ctx: Context,
  ): Promise<Result<Invalidation>>;
  /** Returns the number of each log key. The number is 0 for a log key that the log lacks. */
  numbers(logKeys: readonly LogKey[], ctx: Context): Promise<Result<readonly Seq[]>>;
  /**
   * Removes the numbers that are older than `keepMs`, and the oldest ones if the log has more than
   * `maxLogKeys` log keys. Raises the floor to the highest number that it removed. Returns the floor.
   */
  trim(keepMs: Millis, maxLogKeys: number, ctx: Context): Promise<Result<Seq>>;
}
