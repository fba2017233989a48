/**
 * Deferred invalidations: writes that were committed although the log gave them no number, because
 * Redis refused it or did not answer. Log objects hold their log keys and hand them on with each
 * answer, so that other isolates do not serve what the log cannot invalidate yet. This file has no
 * I/O and no clock.
 *
 * @see docs/decisions/0028-announce-deferred-invalidations.md
 */
import { SOFT, UNCONFIRMED, type LogKey } from "./invalidation-key.ts";
import { addMark, type Mark } from "./log-marks.ts";
import { numberOf, recordNumber, type LogView } from "./log-view.ts";
import type { Context } from "./context.ts";
import type { Era, Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The most log keys that a log object holds. With more it hands on `EVERYTHING` instead. */
export const MAX_DEFERRED = 1_000;
/**
 * A log object forgets a log key that was announced last this long ago. The relay of the cron trigger
 * announces the log keys again each minute, as long as it cannot deliver them.
 */
export const DEFERRED_MS: Millis = 90_000;
/** Stands for too many log keys: every entry then answers only if its load fails. */
const EVERYTHING: LogKey = `${UNCONFIRMED}n:`;

/** Tells the log objects of all regions about deferred invalidations. */
export interface Announcements {
  /** Resolves when all log objects know the log keys, or after a time limit. Never rejects. */
  announce(logKeys: readonly LogKey[], ctx: Context): Promise<void>;
}

/** The answer of a log object that is asked for deferred invalidations alone. */
export interface DeferredKeys {
  readonly logKeys: readonly LogKey[];
  /** The newest number that the log object knew. Undefined if it knows no log. */
  readonly seq: Seq | undefined;
}

/** The deferred invalidations that one log object holds. */
export interface Deferrals {
  add(logKeys: readonly LogKey[], now: EpochMs): void;
  /** Forgets the log keys that the log has numbered since they were announced. `askedAt` is the instant of the question that the view has applied last. */
  settle(view: LogView, askedAt: EpochMs): void;
  /** Returns the log keys that wait for a number. */
  list(now: EpochMs): readonly LogKey[];
}

interface Deferral {
  readonly announcedAt: EpochMs;
  /** The position of the log after the announcement. Only a higher number can be of this invalidation. */
  position?: { readonly era: Era | undefined; readonly seen: Seq };
}

export function createDeferrals(): Deferrals {
  const held = new Map<LogKey, Deferral>();
  return {
    add(logKeys, now) {
      for (const logKey of logKeys) held.set(logKey, { announcedAt: now });
      if (held.size <= MAX_DEFERRED) return;
      held.clear();
      held.set(EVERYTHING, { announcedAt: now });
    },

    settle(view, askedAt) {
      for (const [logKey, deferral] of held) {
        const { announcedAt, position } = deferral;
        if (position === undefined) {
          if (askedAt >= announcedAt) deferral.position = { era: view.era, seen: view.seen };
          // A new era makes all entries invalid that were loaded before it.
        } else if (position.era !== view.era || numberOf(view, logKey) > position.seen)
          held.delete(logKey);
      }
    },

    list(now) {
      for (const [logKey, { announcedAt }] of held)
        if (now - announcedAt > DEFERRED_MS) held.delete(logKey);
      return [...held.keys()];
    },
  };
}

/**
 * Marks the deferred invalidations that a log object handed on. `seq` is the newest number that the
 * log object knew: a higher one in the view is the number that the log key was waiting for.
 */
export function markDeferred(view: LogView, logKeys: readonly LogKey[], seq: Seq): void {
  const mark: Mark = { logKeys, seen: seq, answeredAt: undefined };
  for (const logKey of logKeys) {
    if (numberOf(view, logKey) > seq) continue;
    if (logKey.startsWith(SOFT)) recordNumber(view, logKey, view.seen + 1);
    else if (!view.pending.has(logKey)) addMark(view.pending, logKey, mark);
  }
}
