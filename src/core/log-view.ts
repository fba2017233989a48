/** The log view of one isolate: the numbers that it knows, and its own invalidations without a number. */
import { invalidationKeyOf, SOFT, UNCONFIRMED } from "./invalidation-key.ts";
import { endMarks, type Marks } from "./log-marks.ts";
import type { Era, Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The maximum number of invalidation keys in a view by default. If it has more, the view forgets the oldest. */
export const MAX_NUMBERS = 20_000;

/** The part of the log that one isolate knows: every number above `base`, up to `seen`. */
export interface LogView {
  /** The era of the log. Undefined until the first answer. */
  era: Era | undefined;
  /** The view may lack numbers at or below the base. */
  base: Seq;
  /** The newest number of the last applied answer. */
  seen: Seq;
  /** How often a number in `hard`, `soft` or `unconfirmed` was set. */
  changes: number;
  floor: Seq;
  /** The instant at which this isolate sent the question whose answer it applied last. */
  stamp: EpochMs;
  /** The number of the latest hard invalidation of each invalidation key. */
  hard: Map<string, Seq>;
  /** The number of the latest soft invalidation of each invalidation key. */
  soft: Map<string, Seq>;
  /** The number of the latest unconfirmed invalidation of each invalidation key. */
  unconfirmed: Map<string, Seq>;
  /**
   * The log keys that this isolate has invalidated, hard or unconfirmed, but to which the log has not yet given
   * a number, each with its marks. A mark ends when the log gives its key a number that is higher
   * than `seen` was at the time of the mark, when the invalidation has failed for good, or with an
   * answer that was asked for long after the mark.
   */
  pending: Marks;
  /** The maximum number of invalidation keys in this view. */
  readonly maxNumbers: number;
}

export function createLogView(maxNumbers = MAX_NUMBERS): LogView {
  return {
    era: undefined,
    base: 0,
    seen: 0,
    changes: 0,
    floor: 0,
    stamp: -Infinity,
    hard: new Map(),
    soft: new Map(),
    unconfirmed: new Map(),
    pending: new Map(),
    maxNumbers,
  };
}

export function recordNumber(view: LogView, logKey: string, seq: Seq): void {
  setNumber(view, logKey, seq);
  if (!logKey.startsWith(SOFT)) endMarks(view.pending, logKey, ({ seen }) => seen < seq);
}

export function setNumber(view: LogView, logKey: string, seq: Seq): void {
  const numbers = numbersFor(view, logKey);
  const name = invalidationKeyOf(logKey);
  if (seq <= (numbers.get(name) ?? 0)) return;
  numbers.set(name, seq);
  view.changes++;
}

/** Returns the number that the view has for a log key, 0 if it has none. */
export function numberOf(view: LogView, logKey: string): Seq {
  return numbersFor(view, logKey).get(invalidationKeyOf(logKey)) ?? 0;
}

function numbersFor(view: LogView, logKey: string): Map<string, Seq> {
  if (logKey.startsWith(SOFT)) return view.soft;
  return logKey.startsWith(UNCONFIRMED) ? view.unconfirmed : view.hard;
}

export function allNumbers({ hard, soft, unconfirmed }: LogView): Map<string, Seq>[] {
  return [hard, soft, unconfirmed];
}

export function sizeOf(view: LogView): number {
  return allNumbers(view).reduce((sum, { size }) => sum + size, 0);
}

/** Replicas lag by less, and the invalidation of a mark takes less. */
const SETTLE_AFTER_MS: Millis = 5_000;

/**
 * Ends the marks that are older than the question of an answer that arrived at `now`. All numbers
 * from before such a mark are in the answer, so its keys get the next number: an entry with a higher
 * `asOf` was loaded after the mark. Without this, a mark would stay for ever if its key had got its
 * number before the mark, as when another isolate's relay delivers a row before its writer has the
 * answer of the database, or if the platform has ended the invocation that made it.
 */
export function settleMarks(view: LogView, sentAt: EpochMs, now: EpochMs): void {
  for (const [logKey, marks] of view.pending) {
    for (const mark of marks) {
      const { answeredAt } = mark;
      // An instant in the future means that the clock was set back.
      if (answeredAt === undefined || answeredAt > now) mark.answeredAt = now;
      else if (sentAt > answeredAt + SETTLE_AFTER_MS) {
        marks.delete(mark);
        setNumber(view, logKey, view.seen + 1);
      }
    }
    if (marks.size === 0) view.pending.delete(logKey);
  }
}
