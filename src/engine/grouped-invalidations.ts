/** Decides which invalidations of an isolate go through a group, and which to Redis itself. */
import { MAX_GROUP_KEYS, type LogGroups } from "../core/log-groups.ts";
import { done } from "../core/faults.ts";
import type { Coherence } from "./coherence.ts";

/**
 * Sends invalidations through the groups. If a group does not confirm one, this isolate runs the
 * script itself: an invalidation that happens twice does no harm.
 *
 * An invalidation that watches log keys never goes through a group. Its writer stores the written
 * value with the invalidation's own number as `asOf`, unless `previous` shows an invalidation in
 * between. Two such writes in one group would share their number, so that the second could not
 * invalidate the value of the first.
 */
export function withGroups(coherence: Coherence, groups: LogGroups): Coherence {
  return {
    ...coherence,
    async invalidate(logKeys, ctx, watched = []) {
      if (watched.length > 0 || logKeys.length === 0 || logKeys.length > MAX_GROUP_KEYS)
        return coherence.invalidate(logKeys, ctx, watched);
      const grouped = await groups.invalidate(logKeys, ctx);
      if (!grouped.ok) {
        ctx.emit({ type: "fault.raise", fault: grouped.fault });
        return coherence.invalidate(logKeys, ctx);
      }
      const { seq, era } = grouped.value;
      coherence.noteNumbers(logKeys, seq);
      // The order of the invalidations of a group is unknown: each may have come after the others.
      return done({ seq, era, previous: seq });
    },
  };
}
