import type { Context } from "./context.ts";
import type { Entry } from "./entry.ts";
import type { Result } from "./result.ts";
import type { EpochMs } from "./time.ts";

/** A tier outside the isolate, which needs I/O. A miss is not a fault. */
export interface Tier {
  readonly name: "memory" | "edge";
  get(key: string, ctx: Context): Promise<Result<Entry | undefined>>;
  /** Replaces the entry under the same key. Does not store an entry that has expired. */
  set(entry: Entry, ctx: Context): Promise<Result<void>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
}

/** The tier in the isolate's heap. Every call is synchronous. */
export interface MemoryTier {
  /** Returns the entry under a key. The eviction order counts the read as a use. */
  get(key: string): Entry | undefined;
  /** Returns the entry under a key. The eviction order does not count it as a use. */
  peek(key: string): Entry | undefined;
  /** Stores an entry. If it is too large or has expired, removes the former entry instead. */
  put(entry: Entry, now: EpochMs): void;
  remove(key: string): void;
  clear(): void;
  stats(): { entries: number; bytes: number; evictions: number };
}
