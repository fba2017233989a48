import type { Context } from "./context.ts";
import type { Result } from "./result.ts";

/** The ids of messages that are sent and may not be applied yet, in groups. All isolates share them. */
export interface PendingIds {
  /** Adds an id to a group. An id that is there already is added once. */
  add(group: string, id: string, ctx: Context): Promise<Result<void>>;
  /** Returns the ids of a group, at most 1,000 of them, and their number. */
  read(group: string, ctx: Context): Promise<Result<PendingGroup>>;
  /** Removes ids. */
  remove(ids: readonly PendingId[], ctx: Context): Promise<Result<void>>;
}

/** An id and its group. */
export interface PendingId {
  /** The group of ids that are read together, such as `views:42`. */
  readonly group: string;
  /** The id of the message. */
  readonly id: string;
}

/** The pending ids of one group. */
export interface PendingGroup {
  /** The number of ids, also if there are more than `ids` has. */
  readonly count: number;
  /** The ids, the oldest first, at most 1,000. */
  readonly ids: readonly string[];
}
