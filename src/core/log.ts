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
import type { Dated } from "./entry.ts";
import type { Invalidation } from "./key-notes.ts";
import { addMark, endMarks, type Mark } from "./log-marks.ts";
import { allNumbers, recordNumber, setNumber, sizeOf, type LogView } from "./log-view.ts";
import type { Era, Seq } from "./seq.ts";
import { SOFT, UNCONFIRMED, type LogKey } from "./invalidation-key.ts";
import type { EpochMs } from "./time.ts";

/**
 * The score of the members for the era and the floor, 2^53 - 1. With this score, trimming never
 * removes them.
 */
export const TOP: Seq = 2 ** 53 - 1;
/** The maximum number of changes in one answer. If there were more, the isolate asks for up to `MAX_NUMBERS`. */
export const MAX_CHANGES = 1_000;
/** The share of the numbers that a view forgets at once. */
const FORGOTTEN_SHARE = 1 / 4;

/** The most pending keys, as a share of the numbers: a mark takes more memory than a number. */
const PENDING_SHARE = 1 / 2;

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
  /** Log keys whose invalidation waits for a number. Undefined if no log object has been asked. */
  readonly deferred?: readonly LogKey[];
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
  // Numbers above `seen`, which this isolate recorded itself, are not forgotten here.
  else if (sizeOf(view) > view.maxNumbers) raiseBase(view, Math.min(view.seen, oldNumber(view)));
  return "applied";
}

/**
 * Records the number of an invalidation that this isolate made, so that the view has it before the
 * next sync.
 */
export function noteNumbers(view: LogView, logKeys: readonly LogKey[], seq: Seq): void {
  for (const logKey of logKeys) recordNumber(view, logKey, seq);
  forgetOldest(view);
}

/** Bounds the numbers of an isolate that invalidates and does not sync, because it only writes. */
function forgetOldest(view: LogView): void {
  if (sizeOf(view) > view.maxNumbers) raiseBase(view, oldNumber(view));
}

/**
 * Invalidates the log keys in this isolate at once, before the log has given them a number. If
 * there are more pending keys than half of `maxNumbers`, the oldest are dropped. The acknowledgement does not
 * depend on them. The mark that it returns can be taken back.
 */
export function markInvalidated(view: LogView, logKeys: readonly LogKey[]): Mark {
  const mark: Mark = { logKeys, seen: view.seen, answeredAt: undefined };
  for (const logKey of logKeys) {
    if (logKey.startsWith(SOFT)) recordNumber(view, logKey, view.seen + 1);
    else addMark(view.pending, logKey, mark);
  }
  for (const oldest of view.pending.keys()) {
    if (view.pending.size <= view.maxNumbers * PENDING_SHARE) break;
    view.pending.delete(oldest);
  }
  forgetOldest(view);
  return mark;
}

/** Ends a mark whose invalidation has failed for good. The marks of other invalidations stay. */
export function unmark(view: LogView, mark: Mark): void {
  for (const logKey of mark.logKeys) endMarks(view.pending, logKey, (one) => one === mark);
}

/**
 * The result of the validation of an entry.
 * - `valid`: it may be served
 * - `soft`: it may be served as stale
 * - `unconfirmed`: only unconfirmed writes may have invalidated it, so it may be served if the load fails
 * - `unknown`: the view lacks numbers that may invalidate the entry, so the log must be asked
 * - `invalidated`: one of its invalidation keys has a number above `asOf`
 * - `era`: it was loaded in another era of the log
 * - `floor`: numbers that would invalidate it may have been trimmed
 */
export type Verdict =
  | "valid"
  | "soft"
  | "unconfirmed"
  | "unknown"
  | "invalidated"
  | "era"
  | "floor";

/** Validates an entry with the numbers that this isolate knows. */
export function verdictByView(view: LogView, entry: Dated): Verdict {
  if (view.pending.size > 0 && entry.invalidationKeys.some((name) => view.pending.has(name)))
    return "invalidated";
  // Before the log has answered, nothing tells how old an entry is.
  if (view.era === undefined) return isPendingUnconfirmed(view, entry) ? "invalidated" : "unknown";
  if (entry.era !== view.era) return "era";
  if (entry.asOf < view.floor) return "floor";
  const verdict = verdictByNumbersOf(view, entry);
  if (verdict === "invalidated") return verdict;
  if (entry.asOf < view.base) return "unknown";
  return isUnconfirmed(view, entry) ? "unconfirmed" : verdict;
}

/** An entry with at most so many keys is looked up each time, which costs less than to remember it. */
const FEW_KEYS = 8;

/** The entries with many keys that were valid, each with the view and its `changes` at that time. */
const valid = new WeakMap<Dated, { readonly view: LogView; readonly changes: number }>();

/** Looks the keys of an entry up in the hard and soft numbers. Every hit in memory asks it. */
function verdictByNumbersOf(view: LogView, entry: Dated): "invalidated" | "soft" | "valid" {
  const { asOf, invalidationKeys: keys } = entry;
  const { hard, soft, changes } = view;
  const known = valid.get(entry);
  if (known?.changes === changes && known.view === view) return "valid";
  let verdict: "soft" | "valid" = "valid";
  for (const name of keys) {
    if ((hard.get(name) ?? 0) > asOf) return "invalidated";
    if ((soft.get(name) ?? 0) > asOf) verdict = "soft";
  }
  if (keys.length > FEW_KEYS && verdict === "valid") valid.set(entry, { changes, view });
  return verdict;
}

/** Returns the hard or soft invalidation that the view has above the entry's `asOf`. */
export function invalidationIn(view: LogView, entry: Dated): Invalidation | undefined {
  for (const numbers of [view.hard, view.soft])
    for (const invalidationKey of entry.invalidationKeys) {
      const seq = numbers.get(invalidationKey) ?? 0;
      // Numbers are close to Redis' time in microseconds.
      if (seq > entry.asOf) return { invalidationKey, at: Math.round(seq / 1000) };
    }
  const pending = entry.invalidationKeys.find((name) => view.pending.has(name));
  return pending && { invalidationKey: pending, at: undefined };
}

/** Whether an unconfirmed write that the view knows may have invalidated the entry. */
export function isUnconfirmed(view: LogView, entry: Dated): boolean {
  if (isPendingUnconfirmed(view, entry)) return true;
  const { unconfirmed } = view;
  if (unconfirmed.size === 0) return false;
  return entry.invalidationKeys.some((name) => (unconfirmed.get(name) ?? 0) > entry.asOf);
}

function isPendingUnconfirmed({ pending }: LogView, { invalidationKeys }: Dated): boolean {
  return pending.size > 0 && invalidationKeys.some((name) => pending.has(UNCONFIRMED + name));
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
  for (const numbers of allNumbers(view)) numbers.clear();
  // No number of this answer ends a mark: it may have been given before the mark.
  for (const [logKey, number] of answer.changes) setNumber(view, logKey, number);
}

/**
 * Gives every pending key the next number. The answer left numbers out, and numbers of pending keys
 * may be among them. Without this, no later answer would end the pending state of these keys.
 */
function numberPending(view: LogView): void {
  for (const logKey of view.pending.keys()) setNumber(view, logKey, view.seen + 1);
  view.pending.clear();
}

/** Returns a number that a quarter of the view's numbers do not exceed, and as many as are over its maximum. */
function oldNumber(view: LogView): Seq {
  const all = allNumbers(view).flatMap((numbers) => [...numbers.values()]);
  const numbers = Float64Array.from(all).toSorted();
  const forgotten = Math.max(numbers.length * FORGOTTEN_SHARE, numbers.length - view.maxNumbers);
  return numbers[Math.floor(forgotten)] ?? view.seen;
}

/** Forgets every number up to the new base. Entries below it must then be verified by the log. */
function raiseBase(view: LogView, base: Seq): void {
  view.base = Math.max(view.base, base);
  for (const numbers of allNumbers(view))
    for (const [name, seq] of numbers) if (seq <= view.base) numbers.delete(name);
}

function lowestNumber(answer: LogAnswer): Seq {
  return answer.changes.reduce((least, [, seq]) => Math.min(least, seq), answer.seq ?? 0);
}
