/**
 * Keeps the log view of this isolate. It decides whether the view is recent enough for a read,
 * brings the view up to date with a sync, and gives the view's verdict on an entry.
 */
import type { WithTimeout } from "../core/deadline.ts";
import { verifiedCopy, type Dated, type Entry, type LogPosition } from "../core/entry.ts";
import { fault, messageOf, type Fault } from "../core/faults.ts";
import {
  applyAnswer,
  MAX_CHANGES,
  verdictByView,
  type LogAnswer,
  type Verdict,
} from "../core/log.ts";
import { createLogView, MAX_NUMBERS, type LogView } from "../core/log-view.ts";
import { newestAhead, verdictByNumbers, verdictWithAnswer } from "../core/log-verdict.ts";
import type { Context } from "../core/context.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Seq } from "../core/seq.ts";
import { LEADER_PART } from "../core/share-timing.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { CreateVerifications, Verification } from "./verification-batches.ts";
import type { CreateLogHearing } from "./log-hearing.ts";
import { createLogReach } from "./log-reach.ts";
import { createOwnInvalidations, type OwnInvalidations } from "./own-invalidations.ts";
import { applyDropping, reportAnswer, type DropErased } from "./report-answer.ts";

/** After this share of the coherence window, a sync runs in the background. */
const BACKGROUND_SHARE = 0.8;
/**
 * A read waits for at most this many syncs. The sync that runs already may have been sent too early
 * for the read.
 */
const MAX_SYNCS = 2;

export type LogState = "current" | "unreachable";

export interface Coherence extends OwnInvalidations {
  /**
   * Whether the log view is at most `windowMs` older than `start`. If the view is near this limit,
   * a sync starts in the background.
   */
  isCurrent(start: EpochMs, windowMs: Millis, ctx: Context): boolean;
  /**
   * Tells whether the log view is at most `windowMs` older than `start`. If the view is older,
   * waits for a sync first.
   */
  ensureCurrent(start: EpochMs, windowMs: Millis, ctx: Context): Promise<LogState>;
  /** Whether the last syncs had no answer. A read that may be answered without the log then need not wait. */
  isAway(now: EpochMs): boolean;
  /** Starts a sync in the background, for later reads. */
  probe(ctx: Context): void;
  /**
   * Applies the log that came with an answer of Redis. Returns false if that answer cannot be
   * trusted. `entries` are the entries that the answer is about, none by default. If one of them has an `asOf` above
   * the newest number of the log, the log has lost numbers.
   */
  applyLog(log: LogAnswer, ctx: Context, entries?: readonly Entry[]): Promise<boolean>;
  /** Records that a request to Redis had no answer. */
  recordFailure(fault: Fault, ctx: Context): void;
  /** The failure of the last request to Redis. Undefined if it was answered. */
  lastFailure(): Fault | undefined;
  /** Whether the log has answered this isolate at least once. */
  hasLog(): boolean;
  /** The verdict of the log view, or of the view and an answer of the log about the entry. */
  verdictOf(entry: Dated, answer?: Verdict): Verdict;
  /** The log view, for parts that only read it. */
  readonly view: LogView;
  /**
   * Asks the log about one entry, in one request with other entries that need it. Returns the copy
   * to serve, or the reason why there is none.
   */
  verify(entry: Entry, ctx: Context): Promise<Verification>;
  /** Returns the number from which the log is asked for changes. It is 0 if the view has no era yet. */
  since(): Seq;
  /** Returns the log position for a load that begins now. */
  logPosition(): LogPosition;
  /** Returns the instant at which the values that the log view confirms were current: its last sync was sent then. */
  currentAt(): EpochMs;
  /** Calls `listener` when the log answers again after a failure. */
  onRecovery(listener: (ctx: Context) => Promise<unknown>): void;
}

export interface CoherenceOptions {
  readonly store: SharedStore;
  /** Makes the view use answers that other isolates have heard. Without it, every sync asks the log. */
  readonly createHearing?: CreateLogHearing | undefined;
  /** Verifies several entries with one request. Default: each entry with a request of its own. */
  readonly createVerifications?: CreateVerifications | undefined;
  /** The longest time that a read waits for a sync. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
  /** Drops the entries of memory that the log has erased. Default: drops none. */
  readonly drop?: DropErased | undefined;
  /** The maximum number of invalidation keys in the log view. Default 20,000. */
  readonly maxNumbers?: number | undefined;
}

export function createCoherence(options: CoherenceOptions): Coherence {
  const { store, timeoutMs, withTimeout, drop } = options;
  const view = createLogView(options.maxNumbers);
  const listeners: ((ctx: Context) => Promise<unknown>)[] = [];
  let running: { readonly answered: Promise<boolean>; readonly startedAt: EpochMs } | undefined;
  let failure: Fault | undefined;
  const reach = createLogReach(timeoutMs);

  const isFailing = (): boolean => failure !== undefined;
  const hearing = options.createHearing?.({ view, isFailing, timeoutMs, drop });
  const since = (): Seq => (view.era === undefined ? 0 : view.seen);

  function recordAnswer(ctx: Context): void {
    if (failure) for (const listener of listeners) ctx.defer(listener(ctx));
    failure = undefined;
    reach.recordAnswer();
  }

  function recordFailure(cause: Fault, ctx: Context): void {
    failure = cause;
    ctx.emit({ type: "fault.raise", fault: cause });
  }

  async function applyLog(
    log: LogAnswer,
    ctx: Context,
    entries: readonly Entry[] = [],
  ): Promise<boolean> {
    const ahead = newestAhead(entries, log);
    const apply = () => (ahead === undefined ? applyAnswer(view, log) : "behind");
    const outcome = reportAnswer(view, log, ctx, apply, drop);
    if (outcome !== "lost" && outcome !== "behind") return true;

    const known = ahead
      ? { era: ahead.era, seq: Math.max(ahead.asOf, view.era === ahead.era ? view.seen : 0) }
      : { era: view.era, seq: since() };
    const established = await store.establish(known, ctx);
    if (established.ok) {
      const answer = established.value;
      applyDropping(view, answer, drop, () => applyAnswer(view, answer));
    } else recordFailure(established.fault, ctx);
    // The answer that was behind cannot be trusted, also if the primary has answered since then.
    return false;
  }

  async function sync(ctx: Context): Promise<boolean> {
    const asked = hearing?.hearDeferred(ctx);
    let answer = await store.sync(since(), MAX_CHANGES, ctx);
    // There were many changes since the last sync. With all of them, no entry need be verified by itself.
    if (answer.ok && answer.value.truncated && view.era !== undefined) {
      const whole = await store.sync(since(), MAX_NUMBERS, ctx);
      if (whole.ok) answer = whole;
    }
    if (!answer.ok) {
      reach.recordMiss(ctx.now());
      recordFailure(answer.fault, ctx);
      return false;
    }
    recordAnswer(ctx);
    const isApplied = await applyLog(answer.value, ctx);
    const deferred = await asked;
    if (isApplied && hearing !== undefined)
      ctx.defer(hearing.offer({ ...answer.value, ...(deferred && { deferred }) }, ctx));
    return true;
  }

  function syncInBackground(windowMs: Millis, ctx: Context): void {
    if (hearing?.canHear(windowMs) === true) hearing.hear(windowMs, ctx, () => shareSync(ctx));
    else void shareSync(ctx);
  }

  function syncForRead(start: EpochMs, windowMs: Millis, ctx: Context): Promise<boolean> {
    if (hearing?.canHear(windowMs) !== true) return shareSync(ctx);
    const heard = () => hearing.hearForRead(start, windowMs, ctx);
    return shareSync(ctx, async () => (await heard()) || sync(ctx));
  }

  /**
   * Runs one sync at a time for all reads. The sync continues after the request that started it has
   * ended, unless the platform stops it. A sync that takes longer than the timeout is replaced by a
   * new one.
   */
  function shareSync(ctx: Context, ask = () => sync(ctx)): Promise<boolean> {
    const now = ctx.now();
    if (running !== undefined && Math.abs(now - running.startedAt) < timeoutMs)
      return running.answered;
    const started = { answered: ask(), startedAt: now };
    running = started;
    ctx.defer(
      started.answered.finally(() => {
        if (running === started) running = undefined;
      }),
    );
    return started.answered;
  }

  /** Verifies entries with one request. */
  async function verifyAll(
    entries: readonly Entry[],
    ctx: Context,
  ): Promise<readonly Verification[]> {
    const asked = entries.map(({ invalidationKeys }) => invalidationKeys);
    const answer = await store.verify(asked, since(), ctx);
    if (!answer.ok) {
      recordFailure(answer.fault, ctx);
      return entries.map(() => "unreachable");
    }
    recordAnswer(ctx);
    const { numbers, log } = answer.value;
    const isTrusted = await applyLog(log, ctx, entries);
    return entries.map((entry, at) => {
      const found = numbers[at];
      if (!isTrusted || found === undefined) return "invalid";
      const verdict = verdictByNumbers(entry, found, log);
      if (verdict === "unconfirmed") return verdict;
      if (verdict !== "valid" && verdict !== "soft") return "invalid";
      return verifiedCopy(entry, log.seq ?? entry.asOf, verdict === "soft", ctx.now());
    });
  }

  const verifyOne = async (entry: Entry, ctx: Context): Promise<Verification> => {
    const [verification = "unreachable"] = await withTimeout(verifyAll([entry], ctx), timeoutMs);
    return verification;
  };
  const verifications =
    options.createVerifications?.({ ask: verifyAll, timeoutMs, withTimeout }) ?? verifyOne;

  function isCurrent(start: EpochMs, windowMs: Millis, ctx: Context): boolean {
    if (hearing) hearing.isRead = true;
    // A stamp in the future means that the clock was set back. Such a stamp cannot show how old the view is.
    if (view.stamp > ctx.now()) view.stamp = -Infinity;
    if (view.stamp < start - windowMs) return false;
    // No background sync begins earlier than this.
    if (view.stamp >= start - windowMs * LEADER_PART) return true;
    const part = hearing?.canHear(windowMs) === true ? hearing.backgroundPart() : BACKGROUND_SHARE;
    if (view.stamp < start - windowMs * part) syncInBackground(windowMs, ctx);
    return true;
  }

  async function becomeCurrent(start: EpochMs, windowMs: Millis, ctx: Context): Promise<LogState> {
    for (let attempt = 0; attempt < MAX_SYNCS; attempt++) {
      try {
        if (!(await withTimeout(syncForRead(start, windowMs, ctx), timeoutMs)))
          return "unreachable";
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
    applyLog(log, ctx, entries = []) {
      recordAnswer(ctx);
      hearing?.afterRead(log, ctx);
      const isApplicable = log.era === view.era && (log.seq ?? 0) >= view.seen;
      if (!log.truncated || !isApplicable || newestAhead(entries, log) !== undefined)
        return applyLog(log, ctx, entries);
      // Some changes are missing. A sync gets all of them, so that the view need not raise its base.
      void shareSync(ctx);
      return Promise.resolve(true);
    },
    lastFailure: () => failure,
    hasLog: () => view.era !== undefined,
    verdictOf: (entry, answer) =>
      answer === undefined ? verdictByView(view, entry) : verdictWithAnswer(view, entry, answer),
    view,
    logPosition: () => ({ asOf: view.seen, era: view.era ?? "" }),
    currentAt: () => view.stamp,
    onRecovery: (listener) => void listeners.push(listener),
    isCurrent,
    isAway: reach.isAway,
    probe(ctx) {
      reach.recordProbe(ctx.now());
      void shareSync(ctx);
    },
    ensureCurrent: async (start, windowMs, ctx) =>
      isCurrent(start, windowMs, ctx) ? "current" : becomeCurrent(start, windowMs, ctx),

    async verify(entry, ctx) {
      try {
        return await verifications(entry, ctx);
      } catch (error) {
        recordFailure(fault("redis.timeout", messageOf(error)), ctx);
        return "unreachable";
      }
    },

    ...createOwnInvalidations({ view, store, recordAnswer, recordFailure, applyLog }),
  };
}
