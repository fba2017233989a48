import type { Context } from "./context.ts";
import type { Entry } from "./entry.ts";
import type { LogKey } from "./invalidation-key.ts";
import type { Invalidation } from "./invalidator.ts";
import type { LogAnswer } from "./log.ts";
import type { Result } from "./result.ts";
import type { Era, Seq } from "./seq.ts";
import type { Millis } from "./time.ts";

/** An entry of the shared store with the highest numbers of its tags at that instant. */
export interface Verified {
  readonly entry: Entry;
  readonly hard: Seq;
  readonly soft: Seq;
}

/**
 * The global tier. Entries and the invalidation log answer together, in one
 * request, so that what is read is verified at an instant inside the read.
 * `since` is what the isolate knows of the log; undefined asks for its head alone.
 */
export interface SharedStore {
  read(
    keys: readonly string[],
    since: Seq | undefined,
    ctx: Context,
  ): Promise<Result<{ found: readonly (Verified | undefined)[]; log: LogAnswer }>>;
  /** The highest numbers of the members, and the log, without any entry. */
  verify(
    members: readonly LogKey[],
    since: Seq | undefined,
    ctx: Context,
  ): Promise<Result<{ hard: Seq; soft: Seq; log: LogAnswer }>>;
  sync(since: Seq | undefined, ctx: Context): Promise<Result<LogAnswer>>;
  /** Asks the primary; creates the era where there is none, renews it where numbers were lost. */
  establish(
    known: { era: Era | undefined; seq: Seq | undefined },
    ctx: Context,
  ): Promise<Result<LogAnswer>>;
  write(entries: readonly Entry[], ctx: Context): Promise<Result<void>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
  /** Safe to repeat. Acknowledged when it resolves with ok. */
  invalidate(members: readonly LogKey[], ctx: Context): Promise<Result<Invalidation>>;
  /** The number of each member; 0 where it has none. */
  numbers(members: readonly LogKey[], ctx: Context): Promise<Result<readonly Seq[]>>;
  /** Forgets numbers older than `keepMs` and raises the floor. Returns the floor. */
  trim(keepMs: Millis, ctx: Context): Promise<Result<Seq>>;
}
