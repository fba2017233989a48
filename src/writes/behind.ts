/** Write-behind: readers see the change at once, the database gets it later. */
import type { Context } from "../core/context.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { Result } from "../core/result.ts";
import { invalidationKeyOfTag } from "../core/invalidation-key.ts";
import type { Through, WriteThrough } from "./through.ts";

/** A change that waits for the database. Delivered at least once: `id` tells repetitions apart. */
export interface QueuedChange {
  readonly id: string;
  readonly kind: string;
  /** JSON. */
  readonly payload: unknown;
}

/** Where changes wait. Acknowledged means: kept until it is delivered. */
export interface ChangeQueue {
  send(change: QueuedChange): Promise<Result<void>>;
}

export interface WriteBehindOptions {
  readonly queue: ChangeQueue;
  readonly invalidator: Invalidator;
  readonly through: WriteThrough;
}

/**
 * Queues a change, and makes its value the entry. Until the change is delivered the
 * entry is all there is of it: who loads meanwhile, after an eviction or a purge, reads
 * the old row. For counters and the like, where that does no harm.
 *
 * Fails, with nothing changed for readers, if the queue does not take the change.
 */
export function createWriteBehind({ queue, invalidator, through }: WriteBehindOptions) {
  return async (change: QueuedChange, entry: Through, ctx: Context): Promise<Result<void>> => {
    const before = through.moment();
    const queued = await queue.send(change);
    if (!queued.ok) return queued;
    const members = [`k:${entry.key}` as const, ...entry.tags.map(invalidationKeyOfTag)];
    invalidator.markInvalidated(members);
    const invalidation = await invalidator.invalidate(members, ctx);
    if (invalidation.ok) await through.put(entry, before, invalidation.value, ctx);
    return queued;
  };
}
