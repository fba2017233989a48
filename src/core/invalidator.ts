import type { Context } from "./context.ts";
import type { LogKey } from "./invalidation-key.ts";
import type { Result } from "./result.ts";
import type { Era, Seq } from "./seq.ts";

/** The log's answer to an invalidation. */
export interface Invalidation {
  /** The number that the log gave it. */
  readonly seq: Seq;
  readonly era: Era;
  /** The highest number that any of its log keys had before; 0 if none had one. */
  readonly previous: Seq;
}

/** The part of the engine that writers use. */
export interface Invalidator {
  /** Invalidates the log keys in this isolate at once, before the log has numbered them. */
  markInvalidated(logKeys: readonly LogKey[]): void;
  /** Invalidates the log keys for all readers. Acknowledged when it resolves with ok. Safe to repeat. */
  invalidate(logKeys: readonly LogKey[], ctx: Context): Promise<Result<Invalidation>>;
  /** The log's number of each log key; 0 for one that it lacks. */
  numbers(logKeys: readonly LogKey[], ctx: Context): Promise<Result<readonly Seq[]>>;
}
