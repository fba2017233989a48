/**
 * The rules of the invalidation log. Every invalidation gets a number, and Redis keeps the latest
 * number of each log key in one sorted set. An entry carries the number up to which its loader knew
 * the log before it loaded (`asOf`); the entry is invalid if one of its invalidation keys has a
 * higher number. Each isolate keeps a copy of the recent numbers, the log view, so that it can
 * validate entries without asking Redis. This file defines how an answer of the log changes the
 * view, and how the view decides whether an entry is valid. It has no I/O and no clock: the answers
 * contain the instants.
 *
 * @see docs/consistency.md for the guarantee that these rules give
 */
import type { Entry } from "./entry.ts";
import type { Era, Seq } from "./seq.ts";
import { SOFT, type LogKey } from "./invalidation-key.ts";
import type { EpochMs } from "./time.ts";

/**
 * The score of the members for the era and the floor, 2^53 - 1. With this score, trimming never
 * removes them.
 */
export const TOP: Seq = Number.MAX_SAFE_INTEGER;
/** The maximum number of changes in one answer. If there were more, the isolate asks for up to `MAX_NUMBERS`. */
export const MAX_CHANGES = 1_000;
/** The maximum number of invalidation keys in a view by default. If it has more, the view forgets the oldest. */
export const MAX_NUMBERS = 20_000;
/** The share of the numbers that a view forgets at once. */
const FORGOTTEN_SHARE = 1 / 4;

/** One answer of the log. */
export interface LogAnswer {
  /**
   * The instant at which this isolate sent the question. The answer includes every number given
   * before that instant.
   */
  readonly sentAt: EpochMs;
  /** The era of the log. Undefined if there is no log. */
  readonly era: Era | undefined;
  /** The newest number. Undefined if there is no log, or if a replica does not have the number yet. */
  readonly seq: Seq | undefined;
  /** Numbers at or below the floor may have been trimmed. */
  readonly floor: Seq;
  /** The first number of the changes in the answer, inclusive. 0 for all. */
  readonly since: Seq;
  /** Whether the oldest changes are missing, because there were more than `MAX_CHANGES`. */
  readonly truncated: boolean;
  readonly changes: readonly (readonly [logKey: string, seq: Seq])[];
}

/** The part of the log that one isolate knows: every number above `base`, up to `seen`. */
export interface LogView {
  /** The era of the log. Undefined until the first answer. */
  era: Era | undefined;
  /** The view may lack numbers at or below the base. */
  base: Seq;
  /** The newest number of the last applied answer. */
  seen: Seq;
  floor: Seq;
  /** The instant at which this isolate sent the question whose answer it applied last. */
  stamp: EpochMs;
  /** The number of the latest hard invalidation of each invalidation key. */
  hard: Map<string, Seq>;
  /** The number of the latest soft invalidation of each invalidation key. */
  soft: Map<string, Seq>;
  /**
   * The invalidation keys that this isolate has invalidated, but to which the log has not yet given
   * a number, each with its marks. A mark ends when the log gives its key a number that is higher
   * than `seen` was at the time of the mark, when the invalidation has failed for good, or with an
   * answer that was asked for long after the mark.
   */
  pending: Map<string, Set<Mark>>;
  /** The maximum number of invalidation keys in this view. */
  readonly maxNumbers: number;
}

/** One invalidation of this isolate that has no number yet. */
export interface Mark {
  readonly logKeys: readonly LogKey[];
  /** The newest number that the view had at the time. */
  readonly seen: Seq;
  /** The instant at which the first answer after the mark arrived. */
  answeredAt?: EpochMs;
}

export function createLogView(maxNumbers = MAX_NUMBERS): LogView {
  return {
    era: undefined,
    base: 0,
    seen: 0,
    floor: 0,
    stamp: Number.NEGATIVE_INFINITY,
    hard: new Map(),
    soft: new Map(),
    pending: new Map(),
    maxNumbers,
  };
}

/**
 * The effect of an answer of the log on the log view.
 *
 * - `applied`: all changes of the answer are now in the view.
 * - `renewed`: the log has a new era, so the view starts over and older entries are invalid.
 * - `ignored`: the view did not change. The answer is older than it, or would leave a gap in it.
 * - `behind`: the answer lacks numbers that this isolate knows, so the primary must be asked.
 * - `lost`: the answer says that there is no log, so the log must be established.
 */
export type LogOutcome = "applied" | "renewed" | "ignored" | "behind" | "lost";

/** Applies an answer to the view. Returns the effect. */
export function applyAnswer(view: LogView, answer: LogAnswer): LogOutcome {
  if (answer.sentAt < view.stamp) return "ignored";
  if (answer.era === undefined) return "lost";
  if (answer.era !== view.era) {
    if (answer.seq === undefined) return "behind";
    const first = view.era === undefined;
    // The new era makes every entry invalid that a pending key could invalidate.
    if (!first) view.pending.clear();
    resetView(view, answer.era, answer.seq, answer);
    return first ? "applied" : "renewed";
  }
  if (answer.seq === undefined || answer.seq < view.seen)
    // Two answers may arrive in either order if their questions were sent in the same millisecond.
    return answer.sentAt === view.stamp ? "ignored" : "behind";
  if (answer.since > view.seen) return "ignored";
  // Numbers between `seen` and the floor may have been trimmed before this isolate knew them.
  const gap = answer.floor > view.seen;
  for (const [logKey, seq] of answer.changes) recordNumber(view, logKey, seq);
  if (answer.truncated) view.base = Math.max(view.base, lowestNumber(answer));
  view.seen = answer.seq;
  view.floor = answer.floor;
  view.stamp = answer.sentAt;
  if (answer.truncated || gap) numberPending(view);
  if (gap) raiseBase(view, view.seen);
  else if (view.hard.size + view.soft.size > view.maxNumbers) raiseBase(view, oldNumber(view));
  return "applied";
}

/**
 * Records the number of an invalidation that this isolate made, so that the view has it before the
 * next sync.
 */
export function noteNumbers(view: LogView, logKeys: readonly LogKey[], seq: Seq): void {
  for (const logKey of logKeys) recordNumber(view, logKey, seq);
}

/**
 * Invalidates the log keys in this isolate at once, before the log has given them a number. If
 * there are more than `maxNumbers` pending keys, the oldest are dropped. The acknowledgement does not
 * depend on them. The mark that it returns can be taken back.
 */
export function markInvalidated(view: LogView, logKeys: readonly LogKey[]): Mark {
  const mark: Mark = { logKeys, seen: view.seen };
  for (const logKey of logKeys) {
    if (logKey.startsWith(SOFT)) recordNumber(view, logKey, view.seen + 1);
    else {
      const marks = view.pending.get(logKey);
      if (marks === undefined) view.pending.set(logKey, new Set([mark]));
      else marks.add(mark);
    }
  }
  for (const oldest of view.pending.keys()) {
    if (view.pending.size <= view.maxNumbers) break;
    view.pending.delete(oldest);
  }
  return mark;
}

/** Ends a mark whose invalidation has failed for good. The marks of other invalidations stay. */
export function unmark(view: LogView, mark: Mark): void {
  for (const logKey of mark.logKeys) endMarks(view, logKey, (one) => one === mark);
}

function endMarks(view: LogView, logKey: string, hasEnded: (mark: Mark) => boolean): void {
  const marks = view.pending.get(logKey);
  if (marks === undefined) return;
  for (const mark of marks) if (hasEnded(mark)) marks.delete(mark);
  if (marks.size === 0) view.pending.delete(logKey);
}

/**
 * The result of the validation of an entry.
 * - `valid`: it may be served
 * - `soft`: it may be served as stale
 * - `unknown`: the view lacks numbers that may invalidate the entry, so the log must be asked
 * - `invalidated`: one of its invalidation keys has a number above `asOf`
 * - `era`: it was loaded in another era of the log
 * - `floor`: numbers that would invalidate it may have been trimmed
 */
export type Verdict = "valid" | "soft" | "unknown" | "invalidated" | "era" | "floor";

/** The fields of an entry that are needed for its validation. */
export type Dated = Pick<Entry, "invalidationKeys" | "asOf" | "era">;

/** Validates an entry with the numbers that this isolate knows. */
export function verdictByView(view: LogView, entry: Dated): Verdict {
  if (view.pending.size > 0 && entry.invalidationKeys.some((name) => view.pending.has(name)))
    return "invalidated";
  if (view.era === undefined) return "unknown";
  if (entry.era !== view.era) return "era";
  if (entry.asOf < view.floor) return "floor";
  let soft = false;
  for (const name of entry.invalidationKeys) {
    if ((view.hard.get(name) ?? 0) > entry.asOf) return "invalidated";
    if ((view.soft.get(name) ?? 0) > entry.asOf) soft = true;
  }
  if (entry.asOf < view.base) return "unknown";
  return soft ? "soft" : "valid";
}

/** The highest hard number and the highest soft number of an entry's invalidation keys. */
export interface HighestNumbers {
  readonly hard: Seq;
  readonly soft: Seq;
}

/** Validates an entry with the numbers that Redis returned in the same answer as `log`. */
export function verdictByNumbers(entry: Entry, numbers: HighestNumbers, log: LogAnswer): Verdict {
  if (log.era === undefined || log.seq === undefined) return "unknown";
  if (entry.era !== log.era) return "era";
  if (entry.asOf < log.floor) return "floor";
  if (numbers.hard > entry.asOf) return "invalidated";
  return numbers.soft > entry.asOf ? "soft" : "valid";
}

/** Starts the view over with an answer. It has the numbers of the era from `since` on, as far as the answer has them. */
function resetView(view: LogView, era: Era, seq: Seq, answer: LogAnswer): void {
  // Numbers at or below the floor may have been trimmed. A fail-over can lower the floor again.
  const first = Math.max(answer.since, answer.floor, answer.truncated ? lowestNumber(answer) : 0);
  view.era = era;
  view.base = Math.min(seq, first);
  view.seen = seq;
  view.floor = answer.floor;
  view.stamp = answer.sentAt;
  view.hard.clear();
  view.soft.clear();
  // No number of this answer ends a mark: it may have been given before the mark.
  for (const [logKey, number] of answer.changes) setNumber(view, logKey, number);
}

/**
 * Gives every pending key the next number. The answer left numbers out, and numbers of pending keys
 * may be among them. Without this, no later answer would end the pending state of these keys.
 */
function numberPending(view: LogView): void {
  for (const name of view.pending.keys()) view.hard.set(name, view.seen + 1);
  view.pending.clear();
}

/**
 * Returns a number that a quarter of the view's numbers do not exceed. It is at most `seen`:
 * numbers above `seen`, which this isolate recorded itself, are not forgotten.
 */
function oldNumber(view: LogView): Seq {
  const numbers = Float64Array.from([...view.hard.values(), ...view.soft.values()]).toSorted();
  return Math.min(view.seen, numbers[Math.floor(numbers.length * FORGOTTEN_SHARE)] ?? view.seen);
}

/** Forgets every number up to the new base. Entries below it must then be verified by the log. */
function raiseBase(view: LogView, base: Seq): void {
  view.base = Math.max(view.base, base);
  for (const numbers of [view.hard, view.soft])
    for (const [name, seq] of numbers) if (seq <= view.base) numbers.delete(name);
}

function recordNumber(view: LogView, logKey: string, seq: Seq): void {
  setNumber(view, logKey, seq);
  if (!logKey.startsWith(SOFT)) endMarks(view, logKey, ({ seen }) => seen < seq);
}

function setNumber(view: LogView, logKey: string, seq: Seq): void {
  const soft = logKey.startsWith(SOFT);
  const numbers = soft ? view.soft : view.hard;
  const name = soft ? logKey.slice(SOFT.length) : logKey;
  if (seq > (numbers.get(name) ?? 0)) numbers.set(name, seq);
}

function lowestNumber(answer: LogAnswer): Seq {
  return answer.changes.reduce((least, [, seq]) => Math.min(least, seq), answer.seq ?? 0);
}

/**
 * Returns the entry with the highest number that is above all numbers of the log in the same answer.
 * If there is one, the log has lost numbers, or a replica lags.
 */
export function newestAhead(entries: readonly Entry[], { era, seq }: LogAnswer): Entry | undefined {
  if (seq === undefined) return undefined;
  let newest: Entry | undefined;
  for (const entry of entries)
    if (entry.era === era && entry.asOf > (newest?.asOf ?? seq)) newest = entry;
  return newest;
}
