import { float, formatScore, integer } from "./numbers.ts";
import type { Answer, Bytes, ScoredMember, SortedSet } from "./store.ts";
import { CommandError, SYNTAX } from "./store.ts";
import type { CommandContext } from "./table.ts";

const NO_BYLEX =
  "ERR ZRANGE BYLEX: the embedded Redis does not have it; LOCAL_REDIS=server uses a real one";

interface Options {
  byScore: boolean;
  reverse: boolean;
  withScores: boolean;
  limit: { offset: number; count: number } | undefined;
}

/**
 * ZRANGE by rank or by score. BYLEX is missing.
 * @see https://redis.io/docs/latest/commands/zrange/
 */
export function zrange(
  { store }: CommandContext,
  [key, first, second, ...rest]: readonly Bytes[],
): Answer {
  const { byScore: scored, reverse, withScores, limit } = parseOptions(rest);
  const [low, high] = reverse && scored ? [second!, first!] : [first!, second!];
  const select = scored ? byScore(low, high) : byRank(low, high, reverse);
  let found = select(store.sortedSet(key!));
  if (scored && reverse) found = found.toReversed();
  if (limit) {
    found =
      limit.offset < 0
        ? []
        : found.slice(limit.offset, limit.count < 0 ? undefined : limit.offset + limit.count);
  }
  return found.flatMap(({ member, score }) =>
    withScores ? [member, formatScore(score)] : [member],
  );
}

function parseOptions(rest: readonly Bytes[]): Options {
  const options: Options = {
    byScore: false,
    reverse: false,
    withScores: false,
    limit: undefined,
  };
  for (let index = 0; index < rest.length; index += 1) {
    const option = rest[index]!.toUpperCase();
    if (option === "WITHSCORES") options.withScores = true;
    else if (option === "LIMIT" && index + 2 < rest.length) {
      options.limit = { offset: integer(rest[index + 1]!), count: integer(rest[index + 2]!) };
      index += 2;
    } else if (option === "REV") options.reverse = true;
    else if (option === "BYSCORE") options.byScore = true;
    else if (option === "BYLEX") throw new CommandError(NO_BYLEX);
    else throw new CommandError(SYNTAX);
  }
  if (options.limit && !options.byScore) {
    throw new CommandError(
      "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
  }
  return options;
}

/** Picks members of a set. An absent set has none. */
type Selection = (set: SortedSet | undefined) => readonly ScoredMember[];

/** Selects the members between two positions, in the wanted order. Negative positions count from the end. */
function byRank(first: Bytes, last: Bytes, reverse: boolean): Selection {
  const [start, stop] = [integer(first), integer(last)];
  return (set) => {
    if (!set) return [];
    const ordered = reverse ? set.ordered().toReversed() : set.ordered();
    const from = start < 0 ? Math.max(0, set.size + start) : start;
    const to = stop < 0 ? set.size + stop : stop;
    return from > to ? [] : ordered.slice(from, to + 1);
  };
}

/** Selects the members between two scores, ascending. `(` before a bound excludes the bound. */
export function byScore(min: Bytes, max: Bytes): Selection {
  const [low, high] = [scoreBound(min), scoreBound(max)];
  return (set) =>
    (set?.ordered() ?? []).filter(
      ({ score }) =>
        (low.open ? score > low.value : score >= low.value) &&
        (high.open ? score < high.value : score <= high.value),
    );
}

function scoreBound(text: Bytes): { value: number; open: boolean } {
  const open = text.startsWith("(");
  return { value: float(open ? text.slice(1) : text, "ERR min or max is not a float"), open };
}
