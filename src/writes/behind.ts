/** Write-behind: readers see a change at once; the database gets it later, from a queue. */
import type { Context } from "../core/context.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { Result } from "../core/result.ts";
import { invalidationKeyOfTag } from "../core/invalidation-key.ts";
import type { Through, WriteThrough } from "./through.ts";

/** A change that waits for the database. It is delivered at least once; repetitions have the same `id`. */
export interface QueuedChange {
  readonly id: string;
  readonly kind: string;
  /** A JSON value. */
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
 * Queues a change and stores its value as the entry. Until the change is delivered only the entry
 * has it: a load after an eviction or a purge reads the old row. Use it where that does no harm,
 * such as for counters.
 *
 * If the queue rejects the change, the result is its fault and readers see no change.
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
    invalidator.markInvalidated(invalidationKeys);
    const invalidation = await invalidator.invalidate(invalidationKeys, ctx);
    if (invalidation.ok) await through.put(entry, before, invalidation.value, ctx);
    return queued;
  };
}
