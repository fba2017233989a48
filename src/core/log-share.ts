/**
 * The rules by which isolates share answers of the log. An isolate may use an answer that another
 * isolate of its data centre, or the log object of its region, got from Redis. What is handed on
 * carries its age, so that no instant of another machine's clock is used as one's own. The answer
 * then goes through the same rules as an answer of Redis, and through some more: it never begins an
 * era, and if it cannot be applied, the isolate asks Redis. This file has no I/O and no clock.
 *
 * @see docs/consistency.md and docs/decisions/0022-share-syncs.md
 */
import { isLogKey, SOFT, UNCONFIRMED, type LogKey } from "./invalidation-key.ts";
import { applyAnswer, MAX_CHANGES, type LogAnswer } from "./log.ts";
import { type LogView } from "./log-view.ts";
import type { Random } from "./random.ts";
import type { Era, Seq } from "./seq.ts";
import { CLOCK_MARGIN_MS, FOLLOWER_PART, JITTER_PART, LEADER_PART } from "./share-timing.ts";
import type { EpochMs, Millis } from "./time.ts";

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
  /** Log keys whose invalidation waits for a number. */
  readonly deferred: readonly LogKey[];
}

/** The changes that a log object hands on, without their age. */
export type SharedChanges = Omit<SharedLog, "ageMs" | "deferred">;

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
export function encodeShare(answer: LogAnswer): string {
  const { sentAt, era, seq, floor, since, changes, deferred } = answer;
  return JSON.stringify({ sentAt, era, seq, floor, since, changes, deferred });
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

/**
 * Returns the part of the coherence window after which an isolate syncs. A leader asks before the
 * followers look, so that in each round one isolate of a data centre asks for all.
 */
export function syncPartOf(role: "leader" | "follower", random: Random): number {
  const part = role === "leader" ? LEADER_PART : FOLLOWER_PART;
  return part + random() * JITTER_PART;
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
  const { sentAt, era, seq, floor, since, changes, deferred } = value as Record<string, unknown>;
  return (
    [sentAt, seq, floor, since].every((number) => Number.isFinite(number)) &&
    typeof era === "string" &&
    Array.isArray(changes) &&
    changes.every(isChange) &&
    (deferred === undefined || (Array.isArray(deferred) && deferred.every(isLogKey)))
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
