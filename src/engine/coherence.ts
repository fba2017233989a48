/**
 * Keeps this isolate's log view: decides when it is recent enough for a read, brings it up to date
 * with a sync, and gives its verdict on an entry.
 */
import type { WithTimeout } from "../core/deadline.ts";
import { verifiedCopy, type Entry, type LogPosition } from "../core/entry.ts";
import { fault, messageOf, type Fault } from "../core/faults.ts";
import {
  applyAnswer,
  createLogView,
  verdictByView,
  verdictByNumbers,
  markInvalidated,
  noteNumbers,
  type Dated,
  type LogAnswer,
  type Verdict,
} from "../core/log.ts";
import type { Context } from "../core/context.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Seq } from "../core/seq.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** The share of the coherence window after which a sync runs in the background. */
const BACKGROUND_SHARE = 0.8;
/** The log counts as away after this many syncs in a row without an answer, */
const AWAY_AFTER = 2;
/** and for this many timeouts after the last attempt. Later, an idle isolate has to ask again. */
const AWAY_TIMEOUTS = 1.25;
/** The syncs that a reader waits for. The one that is running may have been sent too early for it. */
const MAX_SYNCS = 2;

export type LogState = "current" | "unreachable";

export interface Coherence extends Invalidator {
  /** Whether the log view is as of `start - windowMs` or later. Late in the window it starts a sync in the background. */
  isCurrent(start: EpochMs, windowMs: Millis, ctx: Context): boolean;
  /** The same, but waits for a sync if the view is too old. */
  ensureCurrent(start: EpochMs, windowMs: Millis, ctx: Context): Promise<LogState>;
  /** Whether the last syncs had no answer. A reader that can do without the log then need not wait. */
  isAway(now: EpochMs): boolean;
  /** Starts a sync in the background, for the readers after this one. */
  probe(ctx: Context): void;
  /**
   * Applies the log that came with another answer. Returns false if that answer cannot be trusted.
   * `evidence` is an entry of the answer: if it knows more than the log, the log has lost numbers.
   */
  applyLog(log: LogAnswer, ctx: Context, evidence?: Entry): Promise<boolean>;
  /** Records that a request to Redis had no answer. */
  recordFailure(fault: Fault, ctx: Context): void;
  verdictOf(entry: Dated): Verdict;
  /** Asks the log about one entry. Returns the copy to serve, or the reason why there is none. */
  verify(entry: Entry, ctx: Context): Promise<Entry | "invalid" | "unreachable">;
  /** The number from which to ask the log for changes; undefined if the view has no era yet. */
  since(): Seq | undefined;
  /** The log position that a load that begins now may claim. */
  logPosition(): LogPosition;
  /** The time since the log last answered. */
  silenceMs(now: EpochMs): Millis;
  /** Calls `listener` when the log answers again after a failure. */
  onRecovery(listener: (ctx: Context) => Promise<unknown>): void;
}

export interface CoherenceOptions {
  readonly store: SharedStore;
  /** How long a reader waits for a sync. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

export function createCoherence({ store, timeoutMs, withTimeout }: CoherenceOptions): Coherence {
  const view = createLogView();
  const listeners: ((ctx: Context) => Promise<unknown>)[] = [];
  let running: { readonly answered: Promise<boolean>; readonly startedAt: EpochMs } | undefined;
  let failing = false;
  let missedSyncs = 0;
  /** When a sync last failed or was started in the background. */
  let triedAt: EpochMs = Number.NEGATIVE_INFINITY;

  const since = (): Seq | undefined => (view.era === undefined ? undefined : view.seen);

  function recordAnswer(ctx: Context): void {
    if (failing) for (const listener of listeners) ctx.defer(listener(ctx));
    failing = false;
    missedSyncs = 0;
  }

  function recordFailure(cause: Fault, ctx: Context): void {
    failing = true;
    ctx.emit({ type: "fault.raise", fault: cause });
  }

  async function applyLog(log: LogAnswer, ctx: Context, evidence?: Entry): Promise<boolean> {
    // The entry knows more than the log beside it: the log has lost numbers, or a replica lags.
    const ahead =
      evidence !== undefined &&
      evidence.era === log.era &&
      log.seq !== undefined &&
      evidence.asOf > log.seq;
    const newest = log.changes.reduce((most, [, seq]) => Math.max(most, seq), view.seen);
    // Numbers are near the microseconds of Redis' clock. A first answer says nothing about a delay.
    const lagMs =
      newest > view.seen && view.era === log.era ? ctx.now() - newest / 1000 : undefined;
    const outcome = ahead ? "behind" : applyAnswer(view, log);
    ctx.emit({
      type: "log.apply",
      outcome,
      changes: log.changes.length,
      ...(lagMs !== undefined && { lagMs }),
    });
    if (outcome !== "lost" && outcome !== "behind") return true;

    const known = ahead
      ? {
          era: evidence.era,
          seq: Math.max(evidence.asOf, view.era === evidence.era ? view.seen : 0),
        }
      : { era: view.era, seq: since() };
    const established = await store.establish(known, ctx);
    if (established.ok) applyAnswer(view, established.value);
    else recordFailure(established.fault, ctx);
    // The answer that was behind cannot be trusted, whatever the primary has said since.
    return false;
  }

  async function sync(ctx: Context): Promise<boolean> {
    const answer = await store.sync(since(), ctx);
    if (!answer.ok) {
      missedSyncs++;
      triedAt = ctx.now();
      recordFailure(answer.fault, ctx);
      return false;
    }
    recordAnswer(ctx);
    await applyLog(answer.value, ctx);
    return true;
  }

  /**
   * Runs one sync at a time for all readers. It outlives the request that started it, unless the
   * platform ends both. A sync that has run for the timeout is replaced by a new one.
   */
  function shareSync(ctx: Context): Promise<boolean> {
    const now = ctx.now();
    if (running !== undefined && Math.abs(now - running.startedAt) < timeoutMs)
      return running.answered;
    const started = { answered: sync(ctx), startedAt: now };
    running = started;
    ctx.defer(
      started.answered.finally(() => {
        if (running === started) running = undefined;
      }),
    );
    return started.answered;
  }

  function isCurrent(start: EpochMs, windowMs: Millis, ctx: Context): boolean {
    // A stamp in the future shows that the clock was set back. It proves nothing.
    if (view.stamp > ctx.now()) view.stamp = Number.NEGATIVE_INFINITY;
    if (view.stamp < start - windowMs) return false;
    if (view.stamp < start - windowMs * BACKGROUND_SHARE) void shareSync(ctx);
    return true;
  }

  async function becomeCurrent(start: EpochMs, windowMs: Millis, ctx: Context): Promise<LogState> {
    for (let attempt = 0; attempt < MAX_SYNCS; attempt++) {
      try {
        if (!(await withTimeout(shareSync(ctx), timeoutMs))) return "unreachable";
      } catch (error) {
        recordFailure(fault("redis.timeout", messageOf(error)), ctx);
        return "unreachable";
      }
      if (isCurrent(start, windowMs, ctx)) return "current";
    }
    return "unreachable";
  }

  return {
    since,
    recordFailure,
    applyLog: (log, ctx, evidence) => {
      recordAnswer(ctx);
      return applyLog(log, ctx, evidence);
    },
    verdictOf: (entry) => verdictByView(view, entry),
    logPosition: () => ({ asOf: view.seen, era: view.era ?? "" }),
    silenceMs: (now) => now - view.stamp,
    onRecovery: (listener) => void listeners.push(listener),

    isCurrent,
    isAway: (now) =>
      missedSyncs >= AWAY_AFTER && now >= triedAt && now - triedAt < timeoutMs * AWAY_TIMEOUTS,
    probe(ctx) {
      triedAt = ctx.now();
      void shareSync(ctx);
    },
    ensureCurrent: async (start, windowMs, ctx) =>
      isCurrent(start, windowMs, ctx) ? "current" : becomeCurrent(start, windowMs, ctx),

    async verify(entry, ctx) {
      const answer = await store.verify(entry.invalidationKeys, since(), ctx);
      if (!answer.ok) {
        recordFailure(answer.fault, ctx);
        return "unreachable";
      }
      recordAnswer(ctx);
      const { log } = answer.value;
      if (!(await applyLog(log, ctx, entry))) return "invalid";
      const verdict = verdictByNumbers(entry, answer.value, log);
      if (verdict !== "valid" && verdict !== "soft") return "invalid";
      return verifiedCopy(entry, log.seq ?? entry.asOf, verdict === "soft", ctx.now());
    },

    markInvalidated: (logKeys) => markInvalidated(view, logKeys),

    async invalidate(logKeys, ctx) {
      const invalidation = await store.invalidate(logKeys, ctx);
      if (invalidation.ok) {
        recordAnswer(ctx);
        noteNumbers(view, logKeys, invalidation.value.seq);
      } else recordFailure(invalidation.fault, ctx);
      return invalidation;
    },

    numbers: (logKeys, ctx): Promise<Result<readonly Seq[]>> => store.numbers(logKeys, ctx),
  };
}
