/** Brings the log view of an isolate up to date with answers that others have heard. */
import type { Context } from "../core/context.ts";
import { markDeferred } from "../core/log-deferrals.ts";
import { applyShared } from "../core/log-share.ts";
import type { LogShares, SharedSyncs } from "../core/log-shares.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import type { LogAnswer } from "../core/log.ts";
import type { LogView } from "../core/log-view.ts";
import { FOLLOWER_PART, GIVE_UP_PART, MIN_WINDOW_MS } from "../core/share-timing.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { reportAnswer, type DropErased } from "./report-answer.ts";

export interface LogHearing {
  /** Each read sets it, without a call on the way of a hit. A leader stops when there are no more reads. */
  isRead: boolean;
  /**
   * Whether a share may answer a sync. The first answer must come from Redis. While Redis fails, each
   * isolate asks Redis itself, so that it notices the recovery.
   */
  canHear(windowMs: Millis): boolean;
  /** Returns the part of the coherence window after which the next background sync begins. */
  backgroundPart(): number;
  /** Syncs for later reads: with a share if one comes in time, else with `askRedis`. One at a time. */
  hear(windowMs: Millis, ctx: Context, askRedis: () => Promise<unknown>): void;
  /** Syncs for a read that waits, if the share of the data centre is recent enough. */
  hearForRead(start: EpochMs, windowMs: Millis, ctx: Context): Promise<boolean>;
  /**
   * Asks the log object for deferred invalidations, beside a sync that asks Redis. Marks them, and
   * returns their log keys.
   */
  hearDeferred(ctx: Context): Promise<readonly LogKey[] | undefined>;
  /**
   * Looks for deferred invalidations in the background, at most once in 750 ms: reads of Redis keep
   * the view recent, so that the isolate does not sync. `log` is the log that a read returned.
   */
  afterRead(log: LogAnswer, ctx: Context): void;
  /** Shares an answer of Redis with the data centre. */
  offer(answer: LogAnswer, ctx: Context): Promise<void>;
}

export interface LogHearingParts {
  readonly view: LogView;
  /** Whether the last request of this isolate to Redis failed. */
  readonly isFailing: () => boolean;
  /** A background sync that takes longer is replaced by a new one. */
  readonly timeoutMs: Millis;
  readonly drop?: DropErased | undefined;
}

/** Creates the part of a log view that hears other isolates. */
export type CreateLogHearing = (parts: LogHearingParts) => LogHearing;

/** Returns the function that makes a log view use these shares. */
export function hearingOf(shares: LogShares): CreateLogHearing {
  return (parts) => createLogHearing(shares, parts);
}

function createLogHearing(shares: LogShares, parts: LogHearingParts): LogHearing {
  const { view, isFailing, timeoutMs, drop } = parts;
  /** The instant at which the background sync began that waits for a share. */
  let hearingSince: EpochMs | undefined;
  /** The instant at which an answer last said which invalidations are deferred, or at which one was sought. */
  let deferredAt: EpochMs = Number.NEGATIVE_INFINITY;

  /** Applies an answer that a share handed on, if the view is then at least as recent as `notBefore`. */
  function apply(log: LogAnswer, notBefore: EpochMs, ctx: Context): boolean {
    const { deferred, era, seq } = log;
    if (deferred !== undefined && seq !== undefined && era === view.era) {
      markDeferred(view, deferred, seq);
      deferredAt = Math.max(deferredAt, log.sentAt);
    }
    if (log.sentAt < notBefore) return false;
    const now = ctx.now();
    const how = () => (applyShared(view, log, now) ? "applied" : undefined);
    return reportAnswer(view, log, ctx, how, drop) !== undefined;
  }

  const canHear = (windowMs: Millis): boolean =>
    windowMs >= MIN_WINDOW_MS && view.era !== undefined && !isFailing();

  function syncsOf(windowMs: Millis, ctx: Context): SharedSyncs {
    return {
      windowMs,
      next() {
        const { stamp, seen } = view;
        return {
          since: seen,
          stamp,
          apply: (log) => apply(log, stamp, ctx),
          until: stamp + windowMs * GIVE_UP_PART,
        };
      },
      isWanted() {
        const wasRead = hearing.isRead;
        hearing.isRead = false;
        return wasRead && canHear(windowMs);
      },
    };
  }

  async function hearDeferred(ctx: Context): Promise<readonly LogKey[] | undefined> {
    const askedAt = ctx.now();
    const deferred = await shares.deferred(ctx);
    if (deferred === undefined) return undefined;
    const { logKeys, seq = view.seen } = deferred;
    markDeferred(view, logKeys, seq);
    deferredAt = askedAt;
    return logKeys;
  }

  /** Looks in the share of the data centre, and else asks the log object for the whole data centre. */
  async function lookForDeferred(log: LogAnswer, now: EpochMs, ctx: Context): Promise<void> {
    let isKnown = false;
    await shares.hearNear((share) => {
      isKnown = share.deferred !== undefined && share.sentAt >= now - MIN_WINDOW_MS;
      return apply(share, now - MIN_WINDOW_MS, ctx);
    }, ctx);
    if (isKnown) return;
    const deferred = await hearDeferred(ctx);
    if (deferred !== undefined) await shares.offer({ ...log, deferred }, ctx);
  }

  const hearing: LogHearing = {
    isRead: false,
    canHear,
    backgroundPart: shares.backgroundPart,

    hear(windowMs, ctx, askRedis) {
      const now = ctx.now();
      if (hearingSince !== undefined && Math.abs(now - hearingSince) < timeoutMs) return;
      const { stamp } = view;
      hearingSince = now;
      // The read that starts the sync does not make its leader ask once more.
      hearing.isRead = false;
      const heard = shares.hear(syncsOf(windowMs, ctx), ctx).finally(() => {
        if (hearingSince === now) hearingSince = undefined;
      });
      // A read may have asked Redis meanwhile.
      ctx.defer(heard.then((isHeard) => isHeard || view.stamp > stamp || askRedis()));
    },

    hearForRead: (start, windowMs, ctx) =>
      shares.hearNear((log) => apply(log, start - windowMs, ctx), ctx),

    hearDeferred,

    afterRead(log, ctx) {
      const now = ctx.now();
      if (Math.abs(now - deferredAt) < MIN_WINDOW_MS * FOLLOWER_PART) return;
      deferredAt = now;
      ctx.defer(lookForDeferred(log, now, ctx));
    },

    offer: shares.offer,
  };
  return hearing;
}
