/** Groups: invalidations of several writers that one script numbers together. */
import type { Context } from "./context.ts";
import type { Invalidation } from "./invalidator.ts";
import { isLogKey, type LogKey } from "./invalidation-key.ts";
import type { Result } from "./result.ts";
import type { Millis } from "./time.ts";

/** The least time between the starts of two groups of one object, and so the longest wait for a group. */
export const GROUP_TICK_MS: Millis = 50;
/** The most log keys of one group. The script writes as many with one ZADD; see redis/scripts.ts. */
export const MAX_GROUP_KEYS = 2_000;
/** The most memory of all invalidations that one object holds. Its isolate has 128 MiB and may hold other objects. */
export const MAX_HELD_BYTES = 8 * 2 ** 20;

/** The number that a group got. It has no `previous`: see engine/grouped-invalidations.ts. */
export type GroupNumber = Pick<Invalidation, "seq" | "era">;

/**
 * The answer of an object to an invalidation.
 *
 * - `full`: the object holds too many invalidations, so it did not take this one
 * - `refused`: the call has no log keys that a group may have, or is for another namespace
 * - `failed`: Redis did not confirm the script of its group
 */
export type GroupAnswer = GroupNumber | "full" | "refused" | "failed";

/** The objects that number the invalidations of several isolates together. */
export interface LogGroups {
  /**
   * Invalidates the log keys for all isolates, in a group. If the result is not ok, the
   * invalidation may still happen. Never rejects.
   */
  invalidate(logKeys: readonly LogKey[], ctx: Context): Promise<Result<GroupNumber>>;
}

/** Whether a group may have this list: between 1 and 2,000 valid log keys. */
export function isGroupable(logKeys: unknown): logKeys is readonly LogKey[] {
  return (
    Array.isArray(logKeys) &&
    logKeys.length > 0 &&
    logKeys.length <= MAX_GROUP_KEYS &&
    logKeys.every(isLogKey)
  );
}

/** Returns about how many bytes a list takes: two for each character, and 64 for each string. */
export function bytesOf(logKeys: readonly LogKey[]): number {
  return logKeys.reduce((bytes, logKey) => bytes + 2 * logKey.length + 64, 64);
}

export interface Group<Member> {
  readonly members: readonly Member[];
  /** The log keys of all members, without repetitions. */
  readonly logKeys: ReadonlySet<LogKey>;
}

/** Divides members among groups in order, so that each group has at most `maxKeys` log keys. */
export function groupsOf<Member extends { readonly logKeys: readonly LogKey[] }>(
  members: readonly Member[],
  maxKeys = MAX_GROUP_KEYS,
): Group<Member>[] {
  const groups: { members: Member[]; logKeys: Set<LogKey> }[] = [];
  for (const member of members) {
    const last = groups.at(-1);
    const fresh = member.logKeys.filter((logKey) => last?.logKeys.has(logKey) !== true);
    if (last === undefined || last.logKeys.size + fresh.length > maxKeys)
      groups.push({ members: [member], logKeys: new Set(member.logKeys) });
    else {
      last.members.push(member);
      for (const logKey of fresh) last.logKeys.add(logKey);
    }
  }
  return groups;
}
