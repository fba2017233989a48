import { MAX_CHANGES, TOP, type LogAnswer } from "../core/log.ts";
import type { Seq } from "../core/seq.ts";
import type { EpochMs } from "../core/time.ts";

/** The members that describe the log itself. All other members are log keys. */
const ERA = "!era:";
const FLOOR = "!floor:";
const SEQ = "!seq";

/** The log as a script answers it: {seq, [era, floor], [member, score, …]}. */
export type RawLog = readonly [
  seq: string | null,
  top: readonly string[],
  changes: readonly string[],
];

/** Parses the log that a script has answered. */
export function parseLog(
  [seq, top, changes]: RawLog,
  since: Seq | undefined,
  sentAt: EpochMs,
): LogAnswer {
  const pairs = pair(changes);
  const era = top.find((member) => member.startsWith(ERA));
  const floor = top.find((member) => member.startsWith(FLOOR));
  return {
    sentAt,
    era: era?.slice(ERA.length),
    seq: seq === null ? undefined : Number(seq),
    floor: floor === undefined ? 0 : Number(floor.slice(FLOOR.length)),
    since,
    truncated: pairs.length >= MAX_CHANGES,
    changes: pairs.filter(([member]) => !member.startsWith("!")),
  };
}

/** Parses the answer of ZRANGE, from the highest score down to `since`. The command needs no script. */
export function parseRange(range: readonly string[], since: Seq, sentAt: EpochMs): LogAnswer {
  const pairs = pair(range);
  const top = pairs.filter(([, score]) => score === TOP).map(([member]) => member);
  const numbered = pairs.filter(([, score]) => score < TOP);
  const given = numbered.find(([member]) => member === SEQ)?.[1];
  // A full answer may lack `!seq`, the newest number, because log keys with the same number come before it. The first number is then the newest.
  const seq = given ?? (pairs.length >= MAX_CHANGES ? numbered[0]?.[1] : undefined);
  return parseLog([seq === undefined ? null : String(seq), top, range], since, sentAt);
}

function pair(flat: readonly string[]): [member: string, seq: Seq][] {
  const pairs: [string, Seq][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([flat[i] ?? "", Number(flat[i + 1])]);
  return pairs;
}
