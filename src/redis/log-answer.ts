import { MAX_CHANGES, TOP, type LogAnswer } from "../core/log.ts";
import type { Seq } from "../core/seq.ts";
import type { EpochMs } from "../core/time.ts";

/** The members that describe the log itself. All other members are log keys. */
const ERA = "!era:";
const FLOOR = "!floor:";
const SEQ = "!seq";

/** The members of the log with their scores, from the highest score down: `[member, score, …]`. */
export type RawLog = readonly string[];

/** Parses an answer of the log: the members down to the score `since`, at most `limit` of them. */
export function parseLog(
  range: RawLog,
  since: Seq,
  sentAt: EpochMs,
  limit: number = MAX_CHANGES,
): LogAnswer {
  const pairs = pair(range);
  const top = pairs.filter(([, score]) => score === TOP).map(([member]) => member);
  const numbered = pairs.filter(([, score]) => score < TOP);
  const truncated = pairs.length >= limit;
  const given = numbered.find(([member]) => member === SEQ)?.[1];
  // A full answer may lack `!seq`, because log keys with higher numbers fill it. On a replica these may be only a
  // part of the log keys with the newest number, so only the numbers below it are known to be complete.
  const newest = truncated ? numbered[0]?.[1] : undefined;
  const seq = given ?? (newest === undefined ? undefined : newest - 1);
  const era = top.find((member) => member.startsWith(ERA));
  const floor = top.find((member) => member.startsWith(FLOOR));
  return {
    sentAt,
    era: era?.slice(ERA.length),
    seq,
    floor: floor === undefined ? 0 : Number(floor.slice(FLOOR.length)),
    since,
    truncated,
    changes: numbered.filter(([member]) => member !== SEQ),
  };
}

function pair(flat: readonly string[]): [member: string, seq: Seq][] {
  const pairs: [string, Seq][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([flat[i] ?? "", Number(flat[i + 1])]);
  return pairs;
}
