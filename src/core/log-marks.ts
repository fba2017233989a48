/** Ends the marks of a log view whose numbers no later answer of the log will show. */
import type { LogView } from "./log.ts";
import type { EpochMs, Millis } from "./time.ts";

/** Replicas lag by less, and the invalidation of a mark takes less. */
const SETTLE_AFTER_MS: Millis = 5_000;

/**
 * Ends the marks that are older than the question of an answer that arrived at `now`. All numbers
 * from before such a mark are in the answer, so its keys get the next number: an entry with a higher
 * `asOf` was loaded after the mark. Without this, a mark would stay for ever if its key had got its
 * number before the mark: another isolate's relay may deliver a row before its writer has the answer
 * of the database.
 */
export function settleMarks(view: LogView, sentAt: EpochMs, now: EpochMs): void {
  for (const [name, marks] of view.pending) {
    for (const mark of marks) {
      const { answeredAt } = mark;
      // An instant in the future means that the clock was set back.
      if (answeredAt === undefined || answeredAt > now) mark.answeredAt = now;
      else if (sentAt > answeredAt + SETTLE_AFTER_MS) {
        marks.delete(mark);
        view.hard.set(name, Math.max(view.hard.get(name) ?? 0, view.seen + 1));
      }
    }
    if (marks.size === 0) view.pending.delete(name);
  }
}
