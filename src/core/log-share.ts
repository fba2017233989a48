/**
 * The rules by which isolates share answers of the log. An isolate may use an answer that another
 * isolate of its data centre, or the log object of its region, got from Redis. What is handed on
 * carries its age, so that no instant of another machine's clock is used as one's own. The answer
 * then goes through the same rules as an answer of Redis, and through some more: it never begins an
 * era, and if it cannot be applied, the isolate asks Redis. This file has no I/O and no clock.
 *
 * @see docs/consistency.md and docs/decisions/0022-share-syncs.md
 */
import { SOFT, UNCONFIRMED } from "./invalidation-key.ts";
import { applyAnswer, MAX_CHANGES, type LogAnswer, type LogView } from "./log.ts";
import type { Random } from "./random.ts";
import type { Era, Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/**
 * The log object of a region asks Redis at most once in this time. Cloudflare has nine location
 * hints, so nine objects ask at most 18 times a second.
 */
export const TICK_MS = 500;
/**
 * The log object answers at once if it asked Redis at most this long ago. Otherwise the question
 * waits for the next tick, so for at most 100 ms.
 */
export const RECENT_MS = 400;
/** Clocks of one data centre differ by at most this much. The time is added to the age of a share. */
export const CLOCK_MARGIN_MS = 50;
/**
 * Only reads with a coherence window of at least this length use shares. A shorter window has no
 * room for a tick, two hops and the margin.
 */
export const MIN_WINDOW_MS = 1_000;
/**
 * The isolate that asked last for its data centre asks again after this part of the window. The
 * answer is in the data centre before the others look for it.
 */
export const LEADER_PART = 0.65;
/** The other isolates look for the share of their data centre after this part of the window. */
const FOLLOWER_PART = 0.85;
/** A random part of the window is added, so that two isolates seldom begin in the same millisecond. */
const JITTER_PART = 0.04;
/** After this part of the window, a background sync stops waiting for a share and asks Redis. */
export const GIVE_UP_PART = 0.97;
/**
 * How far an answer of the log object reaches back by itself, in numbers, which are near
 * microseconds: 10 s. Isolates of the data centre that synced since then can use it too.
 */
const SHARED_SPAN: Seq = 10_000_000;

/** An answer of the log as one machine hands it to another. It has every change from `since` on. */
export interface SharedLog {
  /**
   * The time from the question that the holder sent to Redis to the arrival of the question at the
   * holder, by the holder's clock alone. It is negative if the holder asked Redis afterwards.
   */
  readonly ageMs: Millis;
  readonly era: Era;
  readonly seq: Seq;
  readonly floor: Seq;
  readonly since: Seq;
  readonly changes: readonly (readonly [logKey: string, seq: Seq])[];
}

/** The changes that a log object hands on, without their age. */
export type SharedChanges = Omit<SharedLog, "ageMs">;

/**
 * Returns the changes of a view from `since` on. Returns undefined if the view does not have all of
 * them, or does not reach as far as `since`.
 */
export function changesSince(view: LogView, since: Seq): SharedChanges | undefined {
  const { era, seen, base, floor } = view;
  if (era === undefined || since < base || since > seen) return undefined;
  const changes: [string, Seq][] = [];
  for (const [name, seq] of view.hard) if (seq >= since) changes.push([name, seq]);
  for (const [name, seq] of view.soft) if (seq >= since) changes.push([SOFT + name, seq]);
  for (const [name, seq] of view.unconfirmed)
    if (seq >= since) changes.push([UNCONFIRMED + name, seq]);
  return { era, seq: seen, floor, since, changes };
}

/** Returns the changes of the last 10 s, or the newest 1,000 if there were more. */
export function recentChanges(view: LogView): SharedChanges | undefined {
  const recent = changesSince(view, Math.max(view.base, view.seen - SHARED_SPAN));
  if (recent === undefined || recent.changes.length <= MAX_CHANGES) return recent;
  const numbers = Float64Array.from(recent.changes, ([, seq]) => seq).toSorted();
  return changesSince(view, numbers[numbers.length - MAX_CHANGES] ?? view.seen);
}

/**
 * Returns what a log object handed on as an answer to a question of this isolate. `askedAt` is the
 * instant of that question by the clock of this isolate. The question took time to arrive, so the
 * answer counts as older than it is, never as younger.
 */
export function answerOf({ ageMs, ...changes }: SharedLog, askedAt: EpochMs): LogAnswer {
  return { ...changes, sentAt: askedAt - ageMs, truncated: false };
}

/**
 * Applies an answer that another machine handed on. Returns false if the view did not become more
 * recent. Then Redis must be asked: only its own answer begins an era, shows that numbers are lost,
 * or leaves changes out.
 */
export function applyShared(view: LogView, answer: LogAnswer, now: EpochMs): boolean {
  if (view.era === undefined || answer.era !== view.era || answer.truncated) return false;
  // An instant after now is no age. A share that is not newer than the view brings nothing.
  if (!(answer.sentAt > view.stamp && answer.sentAt <= now)) return false;
  return applyAnswer(view, answer) === "applied";
}

/** Whether an answer has all changes from its `since` on, so that other isolates may use it. */
export function isShareable(answer: LogAnswer): boolean {
  return answer.era !== undefined && answer.seq !== undefined && !answer.truncated;
}

/** Returns the text of an answer for the other isolates of the data centre. */
export function encodeShare({ sentAt, era, seq, floor, since, changes }: LogAnswer): string {
  return JSON.stringify({ sentAt, era, seq, floor, since, changes });
}

/**
 * Decodes the share of a data centre. Its instant is one of the writer's clock, so the margin is
 * subtracted. Returns undefined if the text is malformed, or if its instant is so far in the future
 * that the clocks differ by more than the margin.
 */
export function decodeShare(text: string, now: EpochMs): LogAnswer | undefined {
  const share = parse(text);
  if (!isShare(share) || share.sentAt > now + CLOCK_MARGIN_MS) return undefined;
  return { ...share, sentAt: share.sentAt - CLOCK_MARGIN_MS, truncated: false };
}

/** The place of an isolate among those of its data centre, until its next sync. */
export interface Place {
  /** The part of the coherence window after which its next sync begins. */
  readonly part: number;
}

/**
 * Returns the place of an isolate after a sync. The one that got the answer from elsewhere leads: it
 * asks again before the others look, so that in each round one isolate asks for all.
 */
export function placeAfter(from: "share" | "object" | "redis", random: Random): Place {
  const part = from === "share" ? FOLLOWER_PART : LEADER_PART;
  return { part: part + random() * JITTER_PART };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isShare(value: unknown): value is LogAnswer {
  if (typeof value !== "object" || value === null) return false;
  const { sentAt, era, seq, floor, since, changes } = value as Record<string, unknown>;
  return (
    [sentAt, seq, floor, since].every((number) => Number.isFinite(number)) &&
    typeof era === "string" &&
    Array.isArray(changes) &&
    changes.every(isChange)
  );
}

function isChange(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === "string" &&
    Number.isFinite(value[1])
  );
}
