import type { Context } from "./context.ts";
import type { Entry } from "./entry.ts";
import type { Result } from "./result.ts";
import type { EpochMs } from "./time.ts";

/** A near tier: a plain store of entries. A miss is not a fault. */
export interface Tier {
  readonly name: "memory" | "edge";
  readonly reach: "isolate" | "colo";
  get(key: string, ctx: Context): Promise<Result<Entry | undefined>>;
  set(entry: Entry, ctx: Context): Promise<Result<void>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
}

/** The tier in the isolate's heap; the only one that answers without waiting. */
export interface MemoryTier extends Tier {
  peek(key: string): Entry | undefined;
  put(entry: Entry, now: EpochMs): void;
  remove(key: string): void;
  clear(): void;
  stats(): { entries: number; bytes: number; evictions: number };
}
