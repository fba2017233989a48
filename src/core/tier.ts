import type { Context } from "./context.ts";
import type { Entry } from "./entry.ts";
import type { Result } from "./result.ts";
import type { EpochMs, Millis } from "./time.ts";

/** A tier outside the isolate, which needs I/O. A miss is not a fault. */
export interface Tier {
  readonly name: "memory" | "edge";
  get(key: string, ctx: Context): Promise<Result<Entry | undefined>>;
  /**
   * Replaces the entry under the same key. Does not store an entry that has expired. `keepMs` is the
   * longest time for which the tier keeps the copy; by default it keeps it until `deleteAt`.
   */
  set(entry: Entry, ctx: Context, keepMs?: Millis): Promise<Result<void>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
}

/** The tier in the isolate's heap. Every call is synchronous. */
export interface MemoryTier {
  /**
   * Returns the entry under a key. With `now`, removes a copy whose time is over. The eviction order
   * counts the read as a use.
   */
  get(key: string, now?: EpochMs): Entry | undefined;
  /**
   * Returns the entry under a key. The eviction order does not count it as a use. With `now`, a copy
   * whose time is over is not returned.
   */
  peek(key: string, now?: EpochMs): Entry | undefined;
  /**
   * Stores an entry. If it is too large or has expired, removes the former entry instead. `keepMs` is
   * the longest time for which the tier keeps the copy. A copy of the value that the tier holds already
   * does not lengthen that time.
   */
  put(entry: Entry, now: EpochMs, keepMs?: Millis): void;
  remove(key: string): void;
  /** Removes the entries for which the test is true. Returns their keys. */
  removeWhere(test: (entry: Entry) => boolean): string[];
  clear(): void;
  stats(): { entries: number; bytes: number; evictions: number };
}
