/**
 * The isolate's knowledge of the invalidation log: when it is recent enough to
 * trust, how it is brought up to date, and what it says of an entry.
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

/** When a sync runs in the background: at this share of the coherence window. */
const BACKGROUND_SHARE = 0.8;
/** Syncs without an answer, in a row, after which the log counts as away, */
const AWAY_AFTER = 2;
/** and for how many times the wait for an answer: what an idle isolate saw long ago says nothing. */
const AWAY_TIMEOUTS = 1.25;
/** Syncs that a reader waits for: the one in flight may have been sent too early for it. */
const SYNCS = 2;

export type LogState = "current" | "unreachable";

export interface Coherence extends Invalidator {
  /** Whether what is known is as of `start - windowMs` or later. Asks in the background when it soon will not be. */
  isCurrent(start: EpochMs, windowMs: Millis, ctx: Context): boolean;
  /** The same, but asks the log if it must. */
  ensureCurrent(start: EpochMs, windowMs: Millis, ctx: Context): Promise<LogState>;
  /** Whether the last questions to the log had no answer: who can do without it need not wait. */
  isAway(now: EpochMs): boolean;
  /** Asks the log behind this reader's back, so that the next one knows. */
  probe(ctx: Context): void;
  /** Takes the log's part of another answer; true if the answer can be trusted. */
  applyLog(log: LogAnswer, ctx: Context, evidence?: Entry): Promise<boolean>;
  /** Records that a question to Redis had no answer. */
  recordFailure(fault: Fault, ctx: Context): void;
  verdictOf(entry: Dated): Verdict;
  /** Asks the log about one entry. Returns the copy to use, or why there is none. */
  verify(entry: Entry, ctx: Context): Promise<Entry | "invalid" | "unreachable">;
  /** What to ask the log for. */
  since(): Seq | undefined;
  /** What a load that begins now may claim to know. */
  logPosition(): LogPosition;
  /** How long the log has not been heard of. */
  silenceMs(now: EpochMs): Millis;
  /** Calls `listener` when the log answers again after a failure. */
  onRecovery(listener: (ctx: Context) => Promise<unknown>): void;
}

export interface CoherenceOptions {
  readonly store: SharedStore;
  /** How long a reader waits for a sync that another request runs. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

export function createCoherence({ store, timeoutMs, withTimeout }: CoherenceOptions): Coherence {
  const view = createLogView();
  const listeners: ((ctx: Context) => Promise<unknown>)[] = [];
  let running: { readonly sync: Promise<boolean>; readonly startedAt: EpochMs } | undefined;
  let failing = false;
  let missedSyncs = 0;
  /** When the log was last asked in vain, or behind a reader's back. */
  let triedAt: EpochMs = Number.NEGATIVE_INFINITY;

  const since = (): Seq | undefined => (view.era === undefined ? undefined : view.seen);

  function heard(ctx: Context): void {
    if (failing) for (const listener of listeners) ctx.defer(listener(ctx));
    failing = false;
    missedSyncs = 0;
  }

  function missed(cause: Fault, ctx: Context): void {
    failing = true;
    ctx.emit({ type: "fault.raise", fault: cause });
  }

  async function take(log: LogAnswer, ctx: Context, evidence?: Entry): Promise<boolean> {
    // An entry that knows more than the log beside it: the log lost numbers, or lags.
    const ahead =
      evidence !== undefined &&
      evidence.era === log.era &&
      log.seq !== undefined &&
      evidence.asOf > log.seq;
    const newest = log.changes.reduce((most, [, seq]) => Math.max(most, seq), view.seen);
    // Numbers are Redis' clock in microseconds. A first answer says nothing of a delay.
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
    else missed(established.fault, ctx);
    // The answer that sent us here says nothing of what the primary knows.
    return false;
  }

  async function sync(ctx: Context): Promise<boolean> {
    const answer = await store.sync(since(), ctx);
    if (!answer.ok) {
      missedSyncs++;
      triedAt = ctx.now();
      missed(answer.fault, ctx);
      return false;
    }
    heard(ctx);
    await take(answer.value, ctx);
    return true;
  }

  /**
   * One sync at a time. It outlives the request that started it, unless the
   * platform ends both; one that takes too long is not waited for any more.
   */
  function share(ctx: Context): Promise<boolean> {
    const now = ctx.now();
    if (running !== undefined && Math.abs(now - running.startedAt) < timeoutMs) return running.sync;
    const started = { sync: sync(ctx), startedAt: now };
    running = started;
    ctx.defer(
      started.sync.finally(() => {
        if (running === started) running = undefined;
      }),
    );
    return started.sync;
  }

  function isCurrent(start: EpochMs, windowMs: Millis, ctx: Context): boolean {
    // A stamp in the future is a clock that was set back: it proves nothing.
    if (view.stamp > ctx.now()) view.stamp = Number.NEGATIVE_INFINITY;
    if (view.stamp < start - windowMs) return false;
    if (view.stamp < start - windowMs * BACKGROUND_SHARE) void share(ctx);
    return true;
  }

  async function becomeCurrent(start: EpochMs, windowMs: Millis, ctx: Context): Promise<LogState> {
    for (let attempt = 0; attempt < SYNCS; attempt++) {
      try {
        if (!(await withTimeout(share(ctx), timeoutMs))) return "unreachable";
      } catch (error) {
        missed(fault("redis.timeout", messageOf(error)), ctx);
        return "unreachable";
      }
      if (isCurrent(start, windowMs, ctx)) return "current";
    }
    return "unreachable";
  }

  return {
    since,
    recordFailure: missed,
    applyLog: (log, ctx, evidence) => {
      heard(ctx);
      return take(log, ctx, evidence);
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
      void share(ctx);
    },
    ensureCurrent: async (start, windowMs, ctx) =>
      isCurrent(start, windowMs, ctx) ? "current" : becomeCurrent(start, windowMs, ctx),

    async verify(entry, ctx) {
      const answer = await store.verify(entry.invalidationKeys, since(), ctx);
      if (!answer.ok) {
        missed(answer.fault, ctx);
        return "unreachable";
      }
      heard(ctx);
      const { log } = answer.value;
      if (!(await take(log, ctx, entry))) return "invalid";
      const verdict = verdictByNumbers(entry, answer.value, log);
      if (verdict !== "valid" && verdict !== "soft") return "invalid";
      return verifiedCopy(entry, log.seq ?? entry.asOf, verdict === "soft", ctx.now());
    },

    markInvalidated: (members) => markInvalidated(view, members),

    async invalidate(members, ctx) {
      const invalidation = await store.invalidate(members, ctx);
      if (invalidation.ok) {
        heard(ctx);
        noteNumbers(view, members, invalidation.value.seq);
      } else missed(invalidation.fault, ctx);
      return invalidation;
    },

    numbers: (members, ctx): Promise<Result<readonly Seq[]>> => store.numbers(members, ctx),
  };
}
