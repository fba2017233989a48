/**
 * The marks of invalidations that this isolate has made and to which the log has not given a number.
 * This file has no I/O and no clock.
 */
import type { LogKey } from "./invalidation-key.ts";
import type { Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/** One invalidation of this isolate that has no number yet. */
export interface Mark {
  readonly logKeys: readonly LogKey[];
  /** The newest number that the view had at the time. */
  readonly seen: Seq;
  /** Whether the invalidation is deferred, so that the mark lasts until the log gives it a number. */
  isKept: boolean;
  /** The instant of the first answer of the log after the mark. */
  answeredAt: EpochMs | undefined;
}

/** The log keys that have marks, each with its marks. */
export type Marks = Map<string, Set<Mark>>;

/**
 * A mark is abandoned if its invalidation neither has a number nor is deferred so long after an answer of
 * the log: the platform has ended its invocation. No invalidation takes longer.
 */
export const ABANDONED_MS: Millis = 30_000;

export function addMark(marks: Marks, logKey: LogKey, mark: Mark): void {
  const same = marks.get(logKey);
  if (same === undefined) marks.set(logKey, new Set([mark]));
  else same.add(mark);
}

export function endMarks(marks: Marks, logKey: string, hasEnded: (mark: Mark) => boolean): void {
  const same = marks.get(logKey);
  if (same === undefined) return;
  for (const mark of same) if (hasEnded(mark)) same.delete(mark);
  if (same.size === 0) marks.delete(logKey);
}

/** Keeps a mark until its log keys get a number. */
export function keepMark(mark: Mark): void {
  mark.isKept = true;
}

/** Ends the marks that are abandoned at `now`, an instant at which the log has answered. */
export function endAbandoned(marks: Marks, now: EpochMs): void {
  for (const logKey of marks.keys()) endMarks(marks, logKey, (mark) => isAbandoned(mark, now));
}

function isAbandoned(mark: Mark, now: EpochMs): boolean {
  if (mark.isKept) return false;
  // An instant in the future means that the clock was set back.
  if (mark.answeredAt === undefined || mark.answeredAt > now) mark.answeredAt = now;
  return now - mark.answeredAt >= ABANDONED_MS;
}
