import type { Context } from "../core/context.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import type { Invalidation, Invalidator } from "../core/invalidator.ts";
import type { Result } from "../core/result.ts";

/** If more keys are pending, one invalidation of `everything` replaces them. */
const MAX_PENDING = 1_000;

/** An invalidator that calls its listeners when the log answers again after a failure. */
export type RecoveringInvalidator = Invalidator & {
  onRecovery(listener: (ctx: Context) => Promise<unknown>): void;
};

export type Invalidate = (
  keys: readonly LogKey[],
  ctx: Context,
  watched?: readonly LogKey[],
) => Promise<Result<Invalidation>>;

/**
 * Invalidates in this isolate at once, and in all others as soon as the log answers. Keys
 * that the log does not acknowledge stay invalid in this isolate, and are sent again when
 * the log recovers.
 */
export function createRetryingInvalidate(
  invalidator: RecoveringInvalidator,
  everything: LogKey,
): Invalidate {
  const pending = new Set<LogKey>();

  async function flush(ctx: Context): Promise<void> {
    if (pending.size === 0) return;
    const keys = [...pending];
    const done = await invalidator.invalidate(keys, ctx);
    if (done.ok) for (const key of keys) pending.delete(key);
  }
  invalidator.onRecovery(flush);

  return async (keys, ctx, watched) => {
    invalidator.markInvalidated(keys);
    const done = await invalidator.invalidate(keys, ctx, watched);
    if (done.ok) return done;
    for (const key of keys) pending.add(key);
    if (pending.size > MAX_PENDING) {
      pending.clear();
      pending.add(everything);
    }
    return done;
  };
}
