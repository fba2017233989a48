/** Write-behind: reads return a change at once, and the database gets it later from a queue. */
import type { Context } from "../core/context.ts";
import type { PendingIds } from "../core/pending.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { Result } from "../core/result.ts";
import { invalidationKeyOfTag } from "../core/invalidation-key.ts";
import { logKeysOfThrough, type Through, type WriteThrough } from "./through.ts";

/** A change that waits for the database. It may be delivered more than once, each time with the same `id`. */
export interface QueuedChange {
  /** The id of the change. A change is applied once, however often its id is sent. */
  readonly id: string;
  /** The kind of the change, which names its effect. */
  readonly kind: string;
  /** The content of the change, a JSON value. */
  readonly payload: unknown;
}

/** The queue of changes. It keeps an acknowledged change until it has delivered it. */
export interface ChangeQueue {
  /** Sends a change. The result is a fault if the queue has not confirmed it; the change may be in the queue all the same. */
  send(change: QueuedChange, ctx: Context): Promise<Result<void>>;
}

export interface WriteBehindOptions {
  readonly queue: ChangeQueue;
  readonly invalidator: Invalidator;
  readonly through: WriteThrough;
}

/**
 * Queues a change and stores its value as the entry. Until the change is delivered, only the entry
 * contains it: a load after an eviction or a purge reads the old row. Use it for data where an old
 * value does no harm, such as counters.
 *
 * If the queue rejects the change, the result is the fault of the queue, and reads do not return
 * the change.
 *
 * @example
 * const queue: ChangeQueue = { send: async (change) => ({ ok: true, value: void change }) };
 * const countView = createWriteBehind({
 *   queue,
 *   invalidator: strata.invalidator,
 *   through: strata.through,
 * });
 * const change = { id: "view-1", kind: "views", payload: 1 };
 * const entry = { key: key("views", 1), policy: definePolicy({ freshFor: "1h" }), value: 1, tags: [] };
 * await countView(change, entry, c.var.strata.ctx);
 */
export function createWriteBehind({ queue, invalidator, through }: WriteBehindOptions) {
  return async (change: QueuedChange, entry: Through, ctx: Context): Promise<Result<void>> => {
    const before = through.logPosition();
    const queued = await queue.send(change, ctx);
    if (!queued.ok) return queued;
    const invalidationKeys = [`k:${entry.key}` as const, ...entry.tags.map(invalidationKeyOfTag)];
    const mark = invalidator.markInvalidated(invalidationKeys);
    const watched = logKeysOfThrough(entry);
    const invalidation = await invalidator.invalidate(invalidationKeys, ctx, watched);
    if (invalidation.ok) await through.put(entry, before, invalidation.value, ctx);
    // This invalidation is not repeated. The delivery of the change to the database invalidates too.
    else invalidator.unmark(mark);
    return queued;
  };
}

export interface PendingWriteOptions {
  readonly queue: ChangeQueue;
  readonly invalidator: Invalidator;
  readonly pending: PendingIds;
}

/** The entries that show pending changes. */
export interface PendingTarget {
  /** The group of pending ids that the loaders of the entries read. */
  readonly group: string;
  /** The tags of the entries. */
  readonly tags: readonly string[];
}

/**
 * Queues a change, notes its id as pending, and invalidates the entries whose loaders add pending
 * changes to the rows. Use it for counters: increments of several isolates add up at once, and a
 * load after an eviction or a purge still sees them.
 *
 * The result is a fault only if the queue refused the change. If Redis does not answer, the change
 * is visible when the consumer has applied it.
 *
 * @example
 * const { messages: queue, invalidator, pending } = strata;
 * const countView = createPendingWrite({ queue, invalidator, pending });
 * const change = { id: crypto.randomUUID(), kind: "view", payload: { page: 7 } };
 * await countView(change, { group: "views:7", tags: ["views:7"] }, c.var.strata.ctx);
 */
export function createPendingWrite({ queue, invalidator, pending }: PendingWriteOptions) {
  return async (
    change: QueuedChange,
    { group, tags }: PendingTarget,
    ctx: Context,
  ): Promise<Result<void>> => {
    const queued = await queue.send(change, ctx);
    if (!queued.ok) return queued;
    // The id is added after the message is sent. An id without a message would count, and never be applied.
    await pending.add(group, change.id, ctx);
    const invalidationKeys = tags.map(invalidationKeyOfTag);
    const mark = invalidator.markInvalidated(invalidationKeys);
    const invalidation = await invalidator.invalidate(invalidationKeys, ctx);
    if (!invalidation.ok) invalidator.unmark(mark);
    return queued;
  };
}
