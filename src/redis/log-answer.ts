import { MAX_CHANGES, TOP, type LogAnswer } from "../core/log.ts";
import type { Seq } from "../core/seq.ts";
import type { EpochMs } from "../core/time.ts";

const ERA = "!era:";
const FLOOR = "!floor:";
const SEQ = "!seq";

/** The log's part of a script's answer: {seq, [era, floor], [member, number, …]}. */
export type RawLog = readonly [
  seq: string | null,
  top: readonly string[],
  changes: readonly string[],
];

/** What the raw answer says. `since` is what was asked for, `sentAt` when. */
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

/** The same of a plain ZRANGE from the top down to `since`, which needs no script. */
export function parseRange(range: readonly string[], since: Seq, sentAt: EpochMs): LogAnswer {
  const pairs = pair(range);
  const top = pairs.filter(([, score]) => score === TOP).map(([member]) => member);
  const below = pairs.filter(([, score]) => score < TOP);
  const stated = below.find(([member]) => member === SEQ)?.[1];
  // In a full answer `!seq` may lie beyond the limit, behind members of the same number.
  const seq = stated ?? (pairs.length >= MAX_CHANGES ? below[0]?.[1] : undefined);
  return parseLog([seq === undefined ? null : String(seq), top, range], since, sentAt);
}

function pair(flat: readonly string[]): [member: string, seq: Seq][] {
  const pairs: [string, Seq][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([flat[i] ?? "", Number(flat[i + 1])]);
  return pairs;
}
