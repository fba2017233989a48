import type { BatchItem } from "drizzle-orm/batch";
import type { Context } from "../../core/context.ts";
import type { QueuedChange } from "../behind.ts";

/** The effect of the messages of one kind. */
export interface Effect {
  /** The kind of the messages. */
  readonly kind: string;
  /**
   * Returns the statements of some messages. They run in one transaction, which also records the
   * ids of the messages. The consumer may ask again for fewer messages, or for the same ones if the
   * transaction was not committed. So the function does nothing else than to return statements.
   *
   * If it throws, the messages are tried again and given up like those that the database refuses.
   */
  statements(messages: readonly QueuedChange[]): readonly BatchItem<"pg">[];
  /** Returns the tags to invalidate after the commit. Default: none. */
  tags?(messages: readonly QueuedChange[]): readonly string[];
  /**
   * Runs after the commit, and again for a message that is delivered again. It must not matter
   * whether it runs once, twice or not at all. Its errors become events.
   */
  afterCommit?(messages: readonly QueuedChange[], ctx: Context): Promise<void>;
}

/** The effects of an application, by the kind of their messages. */
export type Effects = ReadonlyMap<string, Effect>;
