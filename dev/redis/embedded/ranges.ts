import { float, formatScore, integer } from "./numbers.ts";
import type { Answer, Bytes, ScoredMember, SortedSet } from "./store.ts";
import { Refusal, SYNTAX } from "./store.ts";
import type { CommandContext, CommandTable } from "./table.ts";
import { command } from "./table.ts";

type By = "rank" | "score" | "lex";

/** ZRANGE and the older commands that it unites. */
export const rangeCommands: CommandTable = {
  ZRANGE: command(-4, (context, args) => range(context, args, {})),
  ZREVRANGE: command(-4, (context, args) => range(context, args, { by: "rank", reverse: true })),
  ZRANGEBYSCORE: command(-4, (context, args) =>
    range(context, args, { by: "score", reverse: false }),
  ),
  ZREVRANGEBYSCORE: command(-4, (context, args) =>
    range(context, args, { by: "score", reverse: true }),
  ),
  ZRANGEBYLEX: command(-4, (context, args) => range(context, args, { by: "lex", reverse: false })),
  ZREVRANGEBYLEX: command(-4, (context, args) =>
    range(context, args, { by: "lex", reverse: true }),
  ),
};

interface Shape {
  by?: By;
  reverse?: boolean;
}

interface Options {
  by: By;
  reverse: boolean;
  withScores: boolean;
  limit: { offset: number; count: number } | undefined;
}

/** One of the range commands; what the command's name fixes cannot be an option. */
function range(
  { store }: CommandContext,
  [key, first, second, ...rest]: readonly Bytes[],
  fixed: Shape,
): Answer {
  const { by, reverse, withScores, limit } = parseOptions(rest, fixed);
  const [low, high] = reverse && by !== "rank" ? [second!, first!] : [first!, second!];
  const select = selection(by, low, high, reverse);
  let found = select(store.sortedSet(key!));
  if (by !== "rank" && reverse) found = found.toReversed();
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

function parseOptions(rest: readonly Bytes[], fixed: Shape): Options {
  const options: Options = {
    by: fixed.by ?? "rank",
    reverse: fixed.reverse ?? false,
    withScores: false,
    limit: undefined,
  };
  for (let index = 0; index < rest.length; index += 1) {
    const option = rest[index]!.toUpperCase();
    if (option === "WITHSCORES") options.withScores = true;
    else if (option === "LIMIT" && index + 2 < rest.length) {
      options.limit = { offset: integer(rest[index + 1]!), count: integer(rest[index + 2]!) };
      index += 2;
    } else if (option === "REV" && fixed.reverse === undefined) options.reverse = true;
    else if (option === "BYSCORE" && fixed.by === undefined) options.by = "score";
    else if (option === "BYLEX" && fixed.by === undefined) options.by = "lex";
    else throw new Refusal(SYNTAX);
  }
  if (options.limit && options.by === "rank") {
    throw new Refusal(
      "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
  }
  if (options.withScores && options.by === "lex") {
    throw new Refusal("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
  }
  return options;
}

/** Picks members of a set, ascending unless said otherwise; an absent set has none. */
export type Selection = (set: SortedSet | undefined) => readonly ScoredMember[];

function selection(by: By, low: Bytes, high: Bytes, reverse: boolean): Selection {
  if (by === "rank") return byRank(low, high, reverse);
  return by === "score" ? byScore(low, high) : byLex(low, high);
}

/** Members between two positions, negative ones counting from the end. */
export function byRank(first: Bytes, last: Bytes, reverse = false): Selection {
  const [start, stop] = [integer(first), integer(last)];
  return (set) => {
    if (!set) return [];
    const ordered = reverse ? set.ordered().toReversed() : set.ordered();
    const from = start < 0 ? Math.max(0, set.size + start) : start;
    const to = stop < 0 ? set.size + stop : stop;
    return from > to ? [] : ordered.slice(from, to + 1);
  };
}

/** Members between two scores; `(` before a bound excludes it. */
export function byScore(min: Bytes, max: Bytes): Selection {
  const [low, high] = [scoreBound(min), scoreBound(max)];
  return (set) =>
    (set?.ordered() ?? []).filter(
      ({ score }) =>
        (low.open ? score > low.value : score >= low.value) &&
        (high.open ? score < high.value : score <= high.value),
    );
}

/** Members between two names, meant for sets whose scores are all equal. */
export function byLex(min: Bytes, max: Bytes): Selection {
  const [above, below] = [lexBound(min, "low"), lexBound(max, "high")];
  return (set) => (set?.ordered() ?? []).filter(({ member }) => above(member) && below(member));
}

function scoreBound(text: Bytes): { value: number; open: boolean } {
  const open = text.startsWith("(");
  return { value: float(open ? text.slice(1) : text, "ERR min or max is not a float"), open };
}

function lexBound(text: Bytes, side: "low" | "high"): (member: Bytes) => boolean {
  if (text === "-") return () => side === "low";
  if (text === "+") return () => side === "high";
  const bound = text.slice(1);
  if (text.startsWith("["))
    return side === "low" ? (member) => member >= bound : (member) => member <= bound;
  if (text.startsWith("("))
    return side === "low" ? (member) => member > bound : (member) => member < bound;
  throw new Refusal("ERR min or max not valid string range item");
}
