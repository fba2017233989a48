/** Invalidations that the log has not acknowledged: made again when it answers. */
import type { Context } from "../../core/context.ts";
import type { Invalidation, Invalidator } from "../../core/invalidator.ts";
import type { Result } from "../../core/result.ts";
import type { InvalidationKey } from "../../core/invalidation-key.ts";

/** More than this, and everything of the pass-through is invalidated in their place. */
const MAX_PENDING = 1_000;
const EVERYTHING: InvalidationKey = "p:origin:";

export type Recovering = Invalidator & {
  onRecovery(listener: (ctx: Context) => Promise<unknown>): void;
};

/**
 * Invalidates, in this isolate at once and elsewhere as soon as the log is there.
 * What the log does not take stays dead here and is tried again on its recovery:
 * an origin that has been written to is asked again, whatever fails meanwhile.
 */
export function createInvalidate(invalidator: Recovering) {
  const pending = new Set<InvalidationKey>();

  async function flush(ctx: Context): Promise<void> {
    if (pending.size === 0) return;
    const members = [...pending];
    const done = await invalidator.invalidate(members, ctx);
    if (done.ok) for (const member of members) pending.delete(member);
  }
  invalidator.onRecovery(flush);

  return async (
    members: readonly InvalidationKey[],
    ctx: Context,
  ): Promise<Result<Invalidation>> => {
    invalidator.markInvalidated(members);
    const done = await invalidator.invalidate(members, ctx);
    if (done.ok) return done;
    for (const member of members) pending.add(member);
    if (pending.size > MAX_PENDING) {
      pending.clear();
      pending.add(EVERYTHING);
    }
    return done;
  };
}
