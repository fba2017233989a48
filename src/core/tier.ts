import type { Context } from "./context.ts";
import type { Entry } from "./entry.ts";
import type { Result } from "./result.ts";
import type { EpochMs } from "./time.ts";

/** A tier that is asked over I/O and holds entries as they are. A miss is not a fault. */
export interface Tier {
  readonly name: "memory" | "edge";
  get(key: string, ctx: Context): Promise<Result<Entry | undefined>>;
  /** Replaces what is stored under the entry's key; does not store an entry that has expired. */
  set(entry: Entry, ctx: Context): Promise<Result<void>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
}

/** The tier in the isolate's heap. Every call is synchronous. */
export interface MemoryTier {
  /** Reads an entry. The read counts as a use for the eviction order. */
  get(key: string): Entry | undefined;
  /** Looks at an entry. The eviction order does not notice. */
  peek(key: string): Entry | undefined;
  /** Stores an entry, or removes the former one if the new one is too large or has expired. */
  put(entry: Entry, now: EpochMs): void;
  remove(key: string): void;
  clear(): void;
  stats(): { entries: number; bytes: number; evictions: number };
}
