/** Write-behind: reads return a change at once, and the database gets it later from a queue. */
import type { Context } from "../core/context.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { Result } from "../core/result.ts";
import { invalidationKeyOfTag } from "../core/invalidation-key.ts";
import { logKeysOfThrough, type Through, type WriteThrough } from "./through.ts";

/** A change that waits for the database. It may be delivered more than once, each time with the same `id`. */
export interface QueuedChange {
  readonly id: string;
  readonly kind: string;
  /** The content of the change, a JSON value. */
  readonly payload: unknown;
}

/** The queue of changes. It keeps an acknowledged change until it has delivered it. */
export interface ChangeQueue {
  send(change: QueuedChange): Promise<Result<void>>;
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
    const queued = await queue.send(change);
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
