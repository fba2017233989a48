/**
 * The marks of invalidations that this isolate has made and to which the log has not given a number.
 * This file has no I/O and no clock.
 */
import type { LogKey } from "./invalidation-key.ts";
import type { Seq } from "./seq.ts";
import type { EpochMs } from "./time.ts";

/** One invalidation of this isolate that has no number yet. */
export interface Mark {
  readonly logKeys: readonly LogKey[];
  /** The newest number that the view had at the time. */
  readonly seen: Seq;
  /** The instant at which the first answer of the log after the mark arrived. */
  answeredAt: EpochMs | undefined;
}

/** The log keys that have marks, each with its marks. */
export type Marks = Map<string, Set<Mark>>;

/** The most marks of one log key. Further ones replace them by one that no writer takes back. */
const MAX_MARKS = 4;

export function addMark(marks: Marks, logKey: LogKey, mark: Mark): void {
  const same = marks.get(logKey);
  if (same === undefined) return void marks.set(logKey, new Set([mark]));
  if (same.size >= MAX_MARKS) {
    const seen = Math.max(...[...same].map((one) => one.seen));
    same.clear();
    same.add({ logKeys: [logKey], seen, answeredAt: undefined });
  }
  same.add(mark);
}

export function endMarks(marks: Marks, logKey: string, hasEnded: (mark: Mark) => boolean): void {
  const same = marks.get(logKey);
  if (same === undefined) return;
  for (const mark of same) if (hasEnded(mark)) same.delete(mark);
  if (same.size === 0) marks.delete(logKey);
}
