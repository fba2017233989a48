/**
 * What an isolate knows of the invalidation log, and what an answer of the log
 * means. Pure: the instants come with the answers. See docs/consistency.md.
 */
import type { Entry } from "./entry.ts";
import type { Era, Seq } from "./seq.ts";
import { SOFT, type LogKey } from "./invalidation-key.ts";
import type { EpochMs } from "./time.ts";

/** The score of the members that are never trimmed: 2^53 - 1. */
export const TOP: Seq = Number.MAX_SAFE_INTEGER;
/** Changes that one answer carries at most; more, and the isolate starts over. */
export const MAX_CHANGES = 1_000;
/** Numbers an isolate remembers before it raises its base. */
const MAX_NUMBERS = 20_000;

/** One answer of the log. */
export interface LogAnswer {
  /** When the question was sent; the answer is at least as new as that. */
  readonly sentAt: EpochMs;
  readonly era: Era | undefined;
  readonly seq: Seq | undefined;
  /** Numbers at or below it may have been forgotten. */
  readonly floor: Seq;
  /** What was asked for: changes from this number on, inclusive; undefined: none. */
  readonly since: Seq | undefined;
  /** True if there were more changes than one answer carries. */
  readonly truncated: boolean;
  readonly changes: readonly (readonly [member: string, seq: Seq])[];
}

/** What one isolate knows. Every number above `base` and up to `seen` is in the tables. */
export interface LogView {
  era: Era | undefined;
  base: Seq;
  seen: Seq;
  floor: Seq;
  /** Send time of the last applied answer. */
  stamp: EpochMs;
  hard: Map<string, Seq>;
  soft: Map<string, Seq>;
  /** What this isolate has changed and the log has given no number yet; by what was seen then. */
  pending: Map<string, Seq>;
}

export function createLogView(): LogView {
  return {
    era: undefined,
    base: 0,
    seen: 0,
    floor: 0,
    stamp: Number.NEGATIVE_INFINITY,
    hard: new Map(),
    soft: new Map(),
    pending: new Map(),
  };
}

/**
 * - `applied`: the view is as new as the answer.
 * - `renewed`: the log has another era; everything known of the old one is void.
 * - `ignored`: an older answer, or one that leaves a gap; nothing changed.
 * - `behind`: the answer lacks numbers that were seen; the primary must be asked.
 * - `lost`: there is no log; it must be established.
 */
export type LogOutcome = "applied" | "renewed" | "ignored" | "behind" | "lost";

/** Takes an answer into the view, or says why it cannot be taken. */
export function applyAnswer(view: LogView, answer: LogAnswer): LogOutcome {
  if (answer.sentAt < view.stamp) return "ignored";
  if (answer.era === undefined) return "lost";
  if (answer.era !== view.era) {
    if (answer.seq === undefined) return "behind";
    const first = view.era === undefined;
    // Another life of the log: whatever was marked is void by its era.
    if (!first) view.pending.clear();
    startOver(view, answer.era, answer.seq, answer);
    return first ? "applied" : "renewed";
  }
  if (answer.seq === undefined || answer.seq < view.seen)
    // Two questions of one instant may be answered in either order.
    return answer.sentAt === view.stamp ? "ignored" : "behind";
  if (answer.since === undefined || answer.since > view.seen) return "ignored";
  // What lies between what we knew and the floor may have been forgotten unseen.
  const gap = answer.floor > view.seen;
  for (const [member, seq] of answer.changes) merge(view, member, seq);
  if (answer.truncated) view.base = Math.max(view.base, lowest(answer));
  view.seen = answer.seq;
  view.floor = answer.floor;
  view.stamp = answer.sentAt;
  if (answer.truncated || gap) settleMarks(view);
  if (gap || view.hard.size + view.soft.size > MAX_NUMBERS) raiseBase(view);
  return "applied";
}

/** Notes numbers that this isolate learned by itself: of its own invalidation. */
export function noteNumbers(view: LogView, members: readonly LogKey[], seq: Seq): void {
  for (const member of members) merge(view, member, seq);
}

/**
 * Makes entries with the members invalid here, whoever made them, until the log has given
 * a number. Marks beyond the bound let the oldest go: the log's own answer is what counts.
 */
export function markInvalidated(view: LogView, members: readonly LogKey[]): void {
  for (const member of members) {
    if (member.startsWith(SOFT)) merge(view, member, view.seen + 1);
    else view.pending.set(member, view.seen);
  }
  for (const oldest of view.pending.keys()) {
    if (view.pending.size <= MAX_NUMBERS) break;
    view.pending.delete(oldest);
  }
}

/**
 * What the view says of an entry:
 * - `valid`; `soft`: valid, but to be treated as stale
 * - `invalidated`, `era`, `floor`: it must never be served again
 * - `unknown`: older than the view's memory; ask the log about its tags
 */
export type Verdict = "valid" | "soft" | "unknown" | "invalidated" | "era" | "floor";

/** What dates an entry in the log. */
export type Dated = Pick<Entry, "invalidationKeys" | "asOf" | "era">;

export function verdictByView(view: LogView, entry: Dated): Verdict {
  if (view.pending.size > 0 && entry.invalidationKeys.some((member) => view.pending.has(member)))
    return "invalidated";
  if (view.era === undefined) return "unknown";
  if (entry.era !== view.era) return "era";
  if (entry.asOf < view.floor) return "floor";
  let soft = false;
  for (const member of entry.invalidationKeys) {
    if ((view.hard.get(member) ?? 0) > entry.asOf) return "invalidated";
    if ((view.soft.get(member) ?? 0) > entry.asOf) soft = true;
  }
  if (entry.asOf < view.base) return "unknown";
  return soft ? "soft" : "valid";
}

/** What numbers fresh from the log say of an entry; `log` came in the same answer. */
export function verdictByNumbers(
  entry: Entry,
  numbers: { readonly hard: Seq; readonly soft: Seq },
  log: LogAnswer,
): Verdict {
  if (log.era === undefined || log.seq === undefined) return "unknown";
  if (entry.era !== log.era) return "era";
  if (entry.asOf < log.floor) return "floor";
  if (numbers.hard > entry.asOf) return "invalidated";
  return numbers.soft > entry.asOf ? "soft" : "valid";
}

function startOver(view: LogView, era: Era, seq: Seq, answer: LogAnswer): void {
  view.era = era;
  view.base = seq;
  view.seen = seq;
  view.floor = answer.floor;
  view.stamp = answer.sentAt;
  view.hard.clear();
  view.soft.clear();
}

/**
 * Numbers of what is marked may be among those that did not come: a mark without an end
 * becomes one that ends with the next number.
 */
function settleMarks(view: LogView): void {
  for (const member of view.pending.keys()) view.hard.set(member, view.seen + 1);
  view.pending.clear();
}

/**
 * Forgets every number up to now; entries below the new base are verified one by
 * one. What this isolate noted itself and the answer did not know yet is kept.
 */
function raiseBase(view: LogView): void {
  view.base = view.seen;
  for (const table of [view.hard, view.soft])
    for (const [member, seq] of table) if (seq <= view.base) table.delete(member);
}

function merge(view: LogView, member: string, seq: Seq): void {
  const soft = member.startsWith(SOFT);
  const table = soft ? view.soft : view.hard;
  const name = soft ? member.slice(SOFT.length) : member;
  if (seq > (table.get(name) ?? 0)) table.set(name, seq);
  if (!soft && seq > (view.pending.get(name) ?? Infinity)) view.pending.delete(name);
}

function lowest(answer: LogAnswer): Seq {
  return answer.changes.reduce((least, [, seq]) => Math.min(least, seq), answer.seq ?? 0);
}
