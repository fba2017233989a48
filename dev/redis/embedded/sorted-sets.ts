import { float, formatScore } from "./numbers.ts";
import { byScore, zrange } from "./ranges.ts";
import type { Answer, Bytes, ScoredMember, Store } from "./store.ts";
import { CommandError, SortedSet, SYNTAX } from "./store.ts";
import type { CommandContext, CommandTable } from "./table.ts";
import { command } from "./table.ts";

/** The sorted-set commands that the Worker, its packages and the tests use. @see https://redis.io/docs/latest/commands/?group=sorted-set */
export const sortedSetCommands: CommandTable = {
  ZRANGE: command(-4, zrange),
  ZADD: command(-4, add),
  ZREM: command(-3, ({ store }, [key, ...members]) => {
    const set = store.sortedSet(key!);
    return set ? drop(store, key!, set, members) : 0;
  }),
  ZCARD: command(2, ({ store }, [key]) => store.sortedSet(key!)?.size ?? 0),
  ZSCORE: command(3, ({ store }, [key, member]) =>
    shown(store.sortedSet(key!)?.scores.get(member!)),
  ),
  ZMSCORE: command(-3, ({ store }, [key, ...members]) => {
    const set = store.sortedSet(key!);
    return members.map((member) => shown(set?.scores.get(member)));
  }),
  ZCOUNT: command(
    4,
    ({ store }, [key, min, max]) => byScore(min!, max!)(store.sortedSet(key!)).length,
  ),
  ZREMRANGEBYSCORE: command(4, ({ store }, [key, min, max]) => {
    const select = byScore(min!, max!);
    const set = store.sortedSet(key!);
    if (!set) return 0;
    const members = select(set).map(({ member }) => member);
    return drop(store, key!, set, members);
  }),
};

function shown(score: number | undefined): Bytes | null {
  return score === undefined ? null : formatScore(score);
}

function add({ store }: CommandContext, [key, ...rest]: readonly Bytes[]): Answer {
  const flags = new Set<string>();
  let first = 0;
  while (
    first < rest.length &&
    ["NX", "XX", "GT", "LT", "CH", "INCR"].includes(rest[first]!.toUpperCase())
  ) {
    flags.add(rest[first]!.toUpperCase());
    first += 1;
  }
  const pairs = rest.slice(first);
  if (pairs.length === 0 || pairs.length % 2 !== 0) throw new CommandError(SYNTAX);
  if (flags.has("NX") && flags.has("XX")) {
    throw new CommandError("ERR XX and NX options at the same time are not compatible");
  }
  if (
    (flags.has("GT") && flags.has("LT")) ||
    (flags.has("NX") && (flags.has("GT") || flags.has("LT")))
  ) {
    throw new CommandError("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if (flags.has("INCR") && pairs.length > 2) {
    throw new CommandError("ERR INCR option supports a single increment-element pair");
  }
  // Checks every score before it stores the first: Redis adds all members or none.
  const members: ScoredMember[] = [];
  for (let index = 0; index < pairs.length; index += 2) {
    members.push({ score: float(pairs[index]!), member: pairs[index + 1]! });
  }
  const set = store.sortedSet(key!) ?? new SortedSet();
  let added = 0;
  let changed = 0;
  for (const { member, score } of members) {
    const current = set.scores.get(member);
    const wanted = flags.has("INCR") ? (current ?? 0) + score : score;
    if (Number.isNaN(wanted)) throw new CommandError("ERR resulting score is not a number (NaN)");
    const refused =
      (flags.has("NX") && current !== undefined) ||
      (flags.has("XX") && current === undefined) ||
      (flags.has("GT") && current !== undefined && wanted <= current) ||
      (flags.has("LT") && current !== undefined && wanted >= current);
    if (refused) {
      if (flags.has("INCR")) return null;
      continue;
    }
    if (current === undefined) added += 1;
    else if (current !== wanted) changed += 1;
    set.set(member, wanted);
    if (flags.has("INCR")) {
      store.set(key!, set);
      return formatScore(wanted);
    }
  }
  if (set.size > 0) store.set(key!, set);
  return flags.has("CH") ? added + changed : added;
}

/** Removes members, and the key if no member is left. */
function drop(store: Store, key: Bytes, set: SortedSet, members: readonly Bytes[]): number {
  const removed = members.filter((member) => set.delete(member)).length;
  if (set.size === 0) store.delete(key);
  return removed;
}
