import type { Announcements } from "../core/log-deferrals.ts";
import type { Coherence } from "./coherence.ts";

/**
 * Announces each invalidation that the log has not confirmed, before its caller learns that it is
 * deferred. Other isolates then bypass the entries, although the log cannot tell them.
 */
export function withAnnouncements(coherence: Coherence, { announce }: Announcements): Coherence {
  return {
    ...coherence,
    async invalidate(logKeys, ctx, watched) {
      const result = await coherence.invalidate(logKeys, ctx, watched);
      if (!result.ok && logKeys.length > 0) await announce(logKeys, ctx);
      return result;
    },
  };
}
