/** The invalidations that this isolate makes: in its own log view at once, and in the log for all isolates. */
import type { Context } from "../core/context.ts";
import type { Fault } from "../core/faults.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import { markInvalidated, noteNumbers, unmark, type LogAnswer } from "../core/log.ts";
import { type LogView } from "../core/log-view.ts";
import type { Seq } from "../core/seq.ts";
import type { SharedStore } from "../core/shared-store.ts";

export interface OwnInvalidations extends Invalidator {
  /** Records numbers that the log gave to invalidations of this isolate. */
  noteNumbers(logKeys: readonly LogKey[], seq: Seq): void;
}

export interface OwnInvalidationOptions {
  readonly view: LogView;
  readonly store: Pick<SharedStore, "invalidate" | "numbers">;
  readonly recordAnswer: (ctx: Context) => void;
  readonly recordFailure: (fault: Fault, ctx: Context) => void;
  readonly applyLog: (log: LogAnswer, ctx: Context) => Promise<unknown>;
}

export function createOwnInvalidations(options: OwnInvalidationOptions): OwnInvalidations {
  const { view, store, recordAnswer, recordFailure, applyLog } = options;
  return {
    markInvalidated: (logKeys) => markInvalidated(view, logKeys),
    unmark: (mark) => unmark(view, mark),
    noteNumbers: (logKeys, seq) => noteNumbers(view, logKeys, seq),

    async invalidate(logKeys, ctx, watched = []) {
      const invalidation = await store.invalidate(logKeys, watched, ctx);
      if (invalidation.ok) {
        recordAnswer(ctx);
        const { seq, log } = invalidation.value;
        noteNumbers(view, logKeys, seq);
        if (log !== undefined) await applyLog(log, ctx);
      } else recordFailure(invalidation.fault, ctx);
      return invalidation;
    },

    numbers: (logKeys, ctx) => store.numbers(logKeys, ctx),
  };
}
