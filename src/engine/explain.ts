/**
 * Explains what a read of a key does now, and why the last read that no tier answered was not answered
 * by one. It decides with the functions that reads use, and has no I/O.
 */
import type { Fault } from "../core/faults.ts";
import type { KeyNote } from "../core/key-notes.ts";
import type { Policy } from "../core/policy.ts";
import type { EpochMs } from "../core/time.ts";
import type { LogState } from "./coherence.ts";
import type { TierReport } from "./inspect.ts";
import {
  INVALID,
  instant,
  invalidatedText,
  MISSED_BECAUSE,
  reason,
  UNSTORED_BECAUSE,
  type Reason,
} from "./reasons.ts";
import { answersWithoutLoad, validate, type Served, type Validation } from "./validation.ts";

/** The facts about a key. */
export interface KeyFacts {
  readonly now: EpochMs;
  readonly policy: Policy;
  /** The entries of the tiers, from the nearest to the farthest. */
  readonly tiers: readonly TierReport[];
  readonly logState: LogState;
  /** The instant at which the values that the log view confirms were current. */
  readonly confirmedAt: EpochMs;
  /** The notes of this isolate, the oldest first. */
  readonly notes: readonly KeyNote[];
  /** Whether the key has a hit-for-miss marker. */
  readonly isMarked: boolean;
  /** The fault of the last loads, during a pause after them. */
  readonly pausedBy: Fault | undefined;
}

/** The last read that no tier answered. */
export interface LastMiss {
  /** The instant of the read, in milliseconds since the epoch. */
  readonly at: EpochMs;
  /** The status of the read: `miss`, `joined`, `bypass` or `stale-on-error`. */
  readonly status: string;
  /** Why no tier answered. */
  readonly missed: Reason;
  /** The fate of the loaded result. */
  readonly result: Reason;
}

/** Why a key is read as it is. */
export interface Explanation {
  /** The next step of a read in this isolate, and its reason. */
  readonly next: Reason;
  /** Undefined if this isolate remembers none. */
  readonly last: LastMiss | undefined;
}

type Held = Extract<TierReport, { readonly state: "held" }>;

export function explain(facts: KeyFacts): Explanation {
  return { next: nextRead(facts), last: lastMiss(facts) };
}

function nextRead(facts: KeyFacts): Reason {
  const { tiers, policy, now, isMarked, pausedBy, notes } = facts;
  const held = tiers.filter((report): report is Held => report.state === "held");
  const used = held.filter(({ tier }) => policy.tiers.has(tier));
  const decided = used.map((report) => ({ report, decision: decide(report, facts) }));
  for (const { report, decision } of decided) {
    if (decision.use === "verify")
      return reason(
        "verify",
        `The log view of this isolate lacks old numbers. A read asks the invalidation log about the entry in ${report.tier}.`,
      );
    if (answersNow(decision)) return answerOf(report, decision, facts);
  }
  const [dropped] = decided.filter(({ decision }) => decision.use === "drop");
  if (dropped !== undefined) return rejectionOf(dropped.report);
  if (pausedBy !== undefined)
    return reason(
      "paused",
      `The last loads failed (${pausedBy.code}). Reads fail at once, for 1 s at most.`,
    );
  if (isMarked)
    return reason(
      "hit-for-miss",
      "The last result could not be stored. For 5 s each read loads by itself, without waiting for others.",
    );
  const [first] = decided;
  if (first !== undefined) return restOf(first.report, first.decision, now);
  return beforeLoad(notes, now) ?? NEVER_READ;
}

const NEVER_READ = reason(
  "never-read",
  "No tier has the key, and this isolate remembers no read of it. A read loads the value.",
);

/** The decision of a read about the entry. */
function decide({ entry, verdict }: Held, facts: KeyFacts): Validation {
  const { policy, now, logState, confirmedAt } = facts;
  return validate(entry, verdict, logState, confirmedAt, { policy, startedAt: now }, now);
}

/** Whether the entry answers before a load. */
function answersNow(decision: Validation): decision is Served {
  return (
    decision.use === "serve" && !decision.onlyIfLoadFails && answersWithoutLoad(decision.freshness)
  );
}

function answerOf({ tier, entry, verdict, by }: Held, served: Served, facts: KeyFacts): Reason {
  const until = instant(entry.freshUntil);
  if (served.unreachable)
    return reason(
      "unreachable",
      `Redis does not answer. ${tier} answers without the invalidation log, for ${facts.policy.unreachableForMs / 1000} s after ${instant(served.currentAt)}. New values are not stored in Redis.`,
    );
  if (verdict === "soft")
    return reason(
      "softened",
      `${invalidatedText(by, "softly ")} A read gets the stale value, and a refresh follows.`,
    );
  if (served.freshness !== "fresh")
    return reason(
      "stale",
      `The entry in ${tier} was fresh until ${until}. A read gets it, and a refresh follows.`,
    );
  if (entry.kind === "absent")
    return reason(
      "negative",
      `A negative entry in ${tier} answers until ${until}: the origin had nothing under this key.`,
    );
  if (tier === "memory")
    return reason("hit-memory", `The memory of this isolate answers until ${until}.`);
  const stored = facts.notes.findLast(({ type }) => type === "stored");
  return stored !== undefined && stored.at >= entry.storedAt && facts.policy.tiers.has("memory")
    ? reason(
        "evicted",
        `This isolate stored the value at ${instant(stored.at)} and has evicted it from its memory since. ${tier} answers until ${until}.`,
      )
    : reason(
        `hit-${tier}`,
        `The memory of this isolate does not have the entry. ${tier} answers until ${until}.`,
      );
}

function rejectionOf({ verdict, by, tier }: Held): Reason {
  if (verdict === "invalidated")
    return reason("invalidated", `${invalidatedText(by)} A read loads the value.`);
  return reason(verdict, `The entry in ${tier} cannot answer: ${INVALID.get(verdict) ?? verdict}.`);
}

/** Why a valid entry does not answer before a load. */
function restOf({ entry, tier }: Held, decision: Validation, now: EpochMs): Reason {
  const { freshUntil, errorUntil } = entry;
  if (decision.use === "serve" && decision.unconfirmed)
    return reason("unconfirmed", `The entry in ${tier}: ${INVALID.get("unconfirmed")}.`);
  if (now < freshUntil)
    return reason(
      "log-away",
      `Redis does not answer, and the policy does not let ${tier} answer without the invalidation log any longer. A read loads the value.`,
    );
  const rest = now < errorUntil ? " The entry answers only if the load fails." : "";
  return reason(
    "expired",
    `The entry has expired: it was fresh until ${instant(freshUntil)}. A read loads the value.${rest}`,
  );
}

/** Why no tier has anything, from what happened before. The newest note decides. */
function beforeLoad(notes: readonly KeyNote[], at: EpochMs): Reason | undefined {
  for (const note of notes.toReversed()) {
    switch (note.type) {
      case "answered":
        break;
      case "stored":
        return note.freshUntil <= at
          ? reason(
              "expired",
              `The value was stored at ${instant(note.at)} and was fresh until ${instant(note.freshUntil)}. No tier has it any more.`,
            )
          : reason(
              "lost",
              `The value was stored at ${instant(note.at)}, but no tier has it any more: it was evicted, or Redis did not take it.`,
            );
      case "unstored":
        return resultOf(note);
      case "failed":
        return resultOf(note);
      case "rejected":
        return note.reason === "invalidated"
          ? reason("invalidated", invalidatedText(note.by))
          : reason(
              note.reason,
              `${note.tier}: ${MISSED_BECAUSE.get(note.reason) ?? note.reason}, at ${instant(note.at)}.`,
            );
      case "unshared":
        return resultOf(note);
    }
  }
  return undefined;
}

function lastMiss({ notes }: KeyFacts): LastMiss | undefined {
  const end = notes.findLastIndex(({ type }) => type === "answered");
  const answer = notes[end];
  if (answer?.type !== "answered") return undefined;
  const begin = notes.slice(0, end).findLastIndex(({ type }) => type === "answered") + 1;
  const during = notes.slice(begin, end);
  const refused = during.findLast((note) => note.type === "rejected" && !isResult(note));
  const missed =
    beforeLoad(refused === undefined ? notes.slice(0, begin) : [refused], answer.at) ??
    reason("absent", "No tier had the key, and this isolate remembers no earlier read of it.");
  // The tiers store a result after the answer. What else came later belongs to a later load.
  const later = notes.slice(end).filter(({ type }) => type === "rejected");
  const results = [...during, ...later].filter(isResult);
  const result =
    results.map(resultOf).findLast((one) => one.code !== "stored") ?? results.map(resultOf).at(-1);
  return {
    at: answer.at,
    status: answer.status,
    missed,
    result:
      result ?? reason("shared", "Another request loaded the value, and this one waited for it."),
  };
}

/** Whether a note says what became of a result. A tier that finds its entry too large rejects a result. */
function isResult(note: KeyNote): boolean {
  if (note.type === "rejected") return note.reason === "too-big" || note.reason === "read-once";
  return note.type !== "answered";
}

/** The fate of a result. */
function resultOf(note: KeyNote): Reason {
  switch (note.type) {
    case "stored":
      return reason(
        "stored",
        `The ${note.negative ? "negative entry" : "value"} was stored, fresh until ${instant(note.freshUntil)}.`,
      );
    case "unstored": {
      const part = note.part === undefined ? "" : `: ${note.part}`;
      return reason(note.why, `The result was not stored: ${UNSTORED_BECAUSE[note.why]}${part}.`);
    }
    case "failed":
      return reason("failed", `The load failed at ${instant(note.at)}: ${note.fault}.`);
    case "unshared":
      return note.reason === "unreachable"
        ? reason(
            "unreachable",
            "Redis did not answer. The result went only to the memory of this isolate.",
          )
        : reason("invalidated", "The entry was invalidated during its load, so it was not stored.");
    case "rejected":
      return reason(
        note.reason,
        `${note.tier}: ${MISSED_BECAUSE.get(note.reason) ?? note.reason}.`,
      );
    case "answered":
      return reason("answered", note.status);
  }
}
