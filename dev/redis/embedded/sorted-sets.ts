import { scanOptions, scanPage } from "./keys.ts";
import { float, formatScore, integer } from "./numbers.ts";
import { byLex, byRank, byScore, rangeCommands } from "./ranges.ts";
import type { Selection } from "./ranges.ts";
import type { Answer, Bytes, ScoredMember, Store } from "./store.ts";
import { Refusal, SortedSet, SYNTAX } from "./store.ts";
import type { CommandContext, CommandTable } from "./table.ts";
import { command } from "./table.ts";

/** Sorted-set commands. @see https://redis.io/docs/latest/commands/?group=sorted-set */
export const sortedSetCommands: CommandTable = {
  ...rangeCommands,
  ZADD: command(-4, add),
  ZINCRBY: command(4, ({ store }, [key, by, member]) => {
    const amount = float(by!);
    return formatScore(
      increment(store, key!, store.sortedSet(key!) ?? new SortedSet(), member!, amount),
    );
  }),
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
  ZRANK: command(3, ({ store }, [key, member]) => rank(store, key!, member!)),
  ZREVRANK: command(3, ({ store }, [key, member]) => {
    const found = rank(store, key!, member!);
    return found === null ? null : store.sortedSet(key!)!.size - 1 - found;
  }),
  ZCOUNT: command(4, ({ store }, [key, min, max]) => count(store, key!, byScore(min!, max!))),
  ZLEXCOUNT: command(4, ({ store }, [key, min, max]) => count(store, key!, byLex(min!, max!))),
  ZREMRANGEBYSCORE: command(4, ({ store }, [key, min, max]) =>
    dropSelected(store, key!, byScore(min!, max!)),
  ),
  ZREMRANGEBYRANK: command(4, ({ store }, [key, start, stop]) =>
    dropSelected(store, key!, byRank(start!, stop!)),
  ),
  ZREMRANGEBYLEX: command(4, ({ store }, [key, min, max]) =>
    dropSelected(store, key!, byLex(min!, max!)),
  ),
  ZPOPMIN: command(-2, ({ store }, args) => pop(store, args, false)),
  ZPOPMAX: command(-2, ({ store }, args) => pop(store, args, true)),
  ZSCAN: command(-3, ({ store }, [key, cursor, ...options]) => {
    const { match, count } = scanOptions(options);
    const [next, page] = scanPage(cursor!, store.sortedSet(key!)?.ordered() ?? [], count);
    const found = page.filter(({ member }) => match(member));
    return [next, found.flatMap(({ member, score }) => [member, formatScore(score)])];
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
  if (pairs.length === 0 || pairs.length % 2 !== 0) throw new Refusal(SYNTAX);
  if (flags.has("NX") && flags.has("XX")) {
    throw new Refusal("ERR XX and NX options at the same time are not compatible");
  }
  if (
    (flags.has("GT") && flags.has("LT")) ||
    (flags.has("NX") && (flags.has("GT") || flags.has("LT")))
  ) {
    throw new Refusal("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if (flags.has("INCR") && pairs.length > 2) {
    throw new Refusal("ERR INCR option supports a single increment-element pair");
  }
  // Every score is checked before the first is stored: Redis adds all or none.
  const members = new Array<ScoredMember>();
  for (let index = 0; index < pairs.length; index += 2) {
    members.push({ score: float(pairs[index]!), member: pairs[index + 1]! });
  }
  const set = store.sortedSet(key!) ?? new SortedSet();
  let added = 0;
  let changed = 0;
  for (const { member, score } of members) {
    const current = set.scores.get(member);
    const wanted = flags.has("INCR") ? (current ?? 0) + score : score;
    if (Number.isNaN(wanted)) throw new Refusal("ERR resulting score is not a number (NaN)");
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

function increment(store: Store, key: Bytes, set: SortedSet, member: Bytes, by: number): number {
  const score = (set.scores.get(member) ?? 0) + by;
  if (Number.isNaN(score)) throw new Refusal("ERR resulting score is not a number (NaN)");
  set.set(member, score);
  store.set(key, set);
  return score;
}

/** Removes members, and the key with its last one. */
function drop(store: Store, key: Bytes, set: SortedSet, members: readonly Bytes[]): number {
  const removed = members.filter((member) => set.delete(member)).length;
  if (set.size === 0) store.delete(key);
  return removed;
}

function dropSelected(store: Store, key: Bytes, select: Selection): number {
  const set = store.sortedSet(key);
  if (!set) return 0;
  return drop(
    store,
    key,
    set,
    select(set).map(({ member }) => member),
  );
}

function count(store: Store, key: Bytes, select: Selection): number {
  return select(store.sortedSet(key)).length;
}

function rank(store: Store, key: Bytes, member: Bytes): number | null {
  const set = store.sortedSet(key);
  if (!set?.scores.has(member)) return null;
  return set.ordered().findIndex((entry) => entry.member === member);
}

function pop(store: Store, [key, count]: readonly Bytes[], fromEnd: boolean): Answer {
  const wanted =
    count === undefined ? 1 : integer(count, "ERR value is out of range, must be positive");
  if (wanted < 0) throw new Refusal("ERR value is out of range, must be positive");
  const set = store.sortedSet(key!);
  if (!set) return [];
  const taken = (fromEnd ? set.ordered().toReversed() : set.ordered()).slice(0, wanted);
  drop(
    store,
    key!,
    set,
    taken.map(({ member }) => member),
  );
  return taken.flatMap(({ member, score }) => [member, formatScore(score)]);
}
