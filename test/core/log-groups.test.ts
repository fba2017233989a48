import { describe, expect, it } from "vitest";
import { groupsOf, isGroupable, MAX_GROUP_KEYS } from "../../src/core/log-groups.ts";
import { isLogKey, type LogKey } from "../../src/core/invalidation-key.ts";

const tags = (count: number, from = 0): LogKey[] =>
  Array.from({ length: count }, (_, at) => `t:${from + at}` as const);

describe("groups of invalidations", () => {
  it("groupsOf puts the log keys of all members into one group, each once, if they fit", () => {
    const members = [{ logKeys: tags(3) }, { logKeys: tags(3, 1) }, { logKeys: tags(1) }];
    const groups = groupsOf(members);
    expect(groups.map((group) => [...group.logKeys])).toEqual([["t:0", "t:1", "t:2", "t:3"]]);
    expect(groups[0]?.members).toEqual(members);
  });

  it("groupsOf begins a new group with the first member whose new log keys exceed the maximum, and divides no member", () => {
    const members = [{ logKeys: tags(3) }, { logKeys: tags(2, 2) }, { logKeys: tags(2, 3) }];
    const groups = groupsOf(members, 4);
    expect(groups.map((group) => [...group.logKeys])).toEqual([
      ["t:0", "t:1", "t:2", "t:3"],
      ["t:3", "t:4"],
    ]);
    expect(groups.flatMap((group) => group.members)).toEqual(members);
  });

  it("a group has no more log keys than the invalidation script writes with one ZADD", () => {
    const groups = groupsOf([{ logKeys: tags(MAX_GROUP_KEYS) }, { logKeys: tags(1) }]);
    expect(groups).toHaveLength(1);
    const over = groupsOf([
      { logKeys: tags(MAX_GROUP_KEYS) },
      { logKeys: tags(1, MAX_GROUP_KEYS) },
    ]);
    expect(over.map((group) => group.logKeys.size)).toEqual([MAX_GROUP_KEYS, 1]);
  });

  it.each<[string, unknown]>([
    ["no list", "t:a"],
    ["an empty list", []],
    ["more than 2,000 log keys", tags(MAX_GROUP_KEYS + 1)],
    ["a value that is no text", ["t:a", 7]],
    ["the log's own member !seq", ["!seq"]],
    ["a log key without its type", ["product"]],
    ["a tag with a line feed", ["t:a\nb"]],
    ["a tag of 257 characters", [`t:${"a".repeat(257)}`]],
    ["a key without a kind", ["k:42"]],
    ["a prefix that does not end at a colon", ["p:item"]],
    ["a name after the namespace", ["n:other"]],
    ["a log key that is soft twice", ["~~t:a"]],
  ])("isGroupable refuses %s", (_, logKeys) => {
    expect(isGroupable(logKeys)).toBe(false);
  });

  it("isLogKey accepts each type of log key, hard, soft and unconfirmed", () => {
    for (const name of ["n:", "t:ä b", "k:item:1", "p:item:"])
      for (const logKey of [name, `~${name}`, `?${name}`])
        expect(isLogKey(logKey), logKey).toBe(true);
    expect(isGroupable(tags(MAX_GROUP_KEYS))).toBe(true);
  });
});
