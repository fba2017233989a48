import type { Context } from "../core/context.ts";
import type { LogAnswer } from "../core/log.ts";
import type { LogView } from "../core/log-view.ts";
import { settleMarks } from "../core/log-view.ts";

/** Applies an answer of the log to a view, ends old marks, and reports the outcome if there is one. */
export function reportAnswer<Outcome extends string | undefined>(
  view: LogView,
  log: LogAnswer,
  ctx: Context,
  apply: () => Outcome,
): Outcome {
  const newest = log.changes.reduce((most, [, seq]) => Math.max(most, seq), view.seen);
  // Numbers are close to Redis' time in microseconds. The first answer has no previous one, so it
  // shows no lag.
  const lagMs = newest > view.seen && view.era === log.era ? ctx.now() - newest / 1000 : undefined;
  const outcome = apply();
  if (outcome === "applied") settleMarks(view, log.sentAt, ctx.now());
  if (outcome !== undefined)
    ctx.emit({
      type: "log.apply",
      outcome,
      changes: log.changes.length,
      ...(lagMs !== undefined && { lagMs }),
    });
  return outcome;
}
