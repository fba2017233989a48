import type { Context } from "../core/context.ts";
import type { LogAnswer } from "../core/log.ts";
import type { LogView } from "../core/log-view.ts";
import { settleMarks } from "../core/log-view.ts";

/** Drops what an answer of the log has erased from memory. `before` is the view before the answer. */
export type DropErased = (
  view: LogView,
  before: Pick<LogView, "seen" | "era">,
  answer: LogAnswer,
) => void;

/** Applies an answer of the log to a view, and drops what the answer has erased from memory. */
export function applyDropping<Outcome>(
  view: LogView,
  log: LogAnswer,
  drop: DropErased | undefined,
  apply: () => Outcome,
): Outcome {
  const { seen, era } = view;
  const outcome = apply();
  if (view.seen !== seen || view.era !== era) drop?.(view, { seen, era }, log);
  return outcome;
}

/** Applies an answer of the log to a view, ends old marks, and reports the outcome if there is one. */
export function reportAnswer<Outcome extends string | undefined>(
  view: LogView,
  log: LogAnswer,
  ctx: Context,
  apply: () => Outcome,
  drop: DropErased | undefined,
): Outcome {
  const newest = log.changes.reduce((most, [, seq]) => Math.max(most, seq), view.seen);
  // Numbers are close to Redis' time in microseconds. The first answer has no previous one, so it
  // shows no lag.
  const lagMs = newest > view.seen && view.era === log.era ? ctx.now() - newest / 1000 : undefined;
  const outcome = applyDropping(view, log, drop, apply);
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
