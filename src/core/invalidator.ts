import type { Context } from "./context.ts";
import type { LogKey } from "./invalidation-key.ts";
import type { Result } from "./result.ts";
import type { Era, Seq } from "./seq.ts";

/** The answer to an invalidation: its number, and what held before it. */
export interface Invalidation {
  readonly seq: Seq;
  readonly era: Era;
  /** The highest number any of the members had before; 0 for none. */
  readonly previous: Seq;
}

/** The engine as writers see it. */
export interface Invalidator {
  /** Makes what the members name invalid in this isolate at once. */
  markInvalidated(members: readonly LogKey[]): void;
  /** Acknowledged, for every reader anywhere, when it resolves with ok. Safe to repeat. */
  invalidate(members: readonly LogKey[], ctx: Context): Promise<Result<Invalidation>>;
  /** The log's number of each member; 0 where it has none. */
  numbers(members: readonly LogKey[], ctx: Context): Promise<Result<readonly Seq[]>>;
}
