import { describe, expect, it } from "vitest";
import { MAX_CHANGES } from "../../src/core/log.ts";
import {
  logKeysOfPurge,
  type InvalidationKey,
  type LogKey,
} from "../../src/core/invalidation-key.ts";
import { redisCommand } from "../support/gateway.ts";
import { setupLog as setup } from "./log-setup.ts";

describe("an invalidation", () => {
  it("gives its members one number, above every number before", async () => {
    const { purge, numbers } = setup();
    const first = await purge("t:a", "t:b");
    const second = await purge("t:b", "~t:b");
    expect(second.seq).toBeGreaterThan(first.seq);
    expect(second.era).toBe(first.era);
    expect(await numbers("t:a", "t:b", "~t:b", "t:c")).toEqual([
      first.seq,
      second.seq,
      second.seq,
      0,
    ]);
  });

  it("tells the highest number that its members had before", async () => {
    const { purge } = setup();
    expect((await purge("t:a")).previous).toBe(0);
    const { seq } = await purge("t:b");
    expect((await purge("t:a", "t:b", "t:c")).previous).toBe(seq);
    expect((await purge("t:never")).previous).toBe(0);
  });

  it("is numbered exactly, about the microseconds of Redis' clock", async () => {
    const { purge, log } = setup();
    const { seq } = await purge("t:a");
    expect(Number.isSafeInteger(seq)).toBe(true);
    expect(seq).toBeGreaterThan(1.7e15);
    expect(await redisCommand("ZSCORE", log, "!seq")).toBe(String(seq));
  });

  it("rises above a number that is ahead of the clock", async () => {
    const { purge, log } = setup();
    await purge("t:a");
    const ahead = 2 ** 52 + 12_345;
    await redisCommand("ZADD", log, ahead, "!seq");
    expect((await purge("t:b")).seq).toBe(ahead + 1);
    expect((await purge("t:b")).seq).toBe(ahead + 2);
  });

  it("of many at once gives each its own number", async () => {
    const { namespace } = setup();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => setup(namespace).purge(`t:tag${i}`)),
    );
    expect(new Set(answers.map(({ seq }) => seq)).size).toBe(20);
    expect(new Set(answers.map(({ era }) => era)).size).toBe(1);
  });

  it("of ten thousand keys is one call", async () => {
    const { purge, numbers } = setup();
    const members = Array.from({ length: 10_000 }, (_, i): LogKey => `k:product:${i}`);
    const { seq } = await purge(...members);
    expect(await numbers("k:product:0", "k:product:5000", "k:product:9999")).toEqual([
      seq,
      seq,
      seq,
    ]);
    expect((await purge(...members)).previous).toBe(seq);
  });

  it("creates the log where there is none", async () => {
    const { purge, sync } = setup();
    const { era, seq } = await purge("t:a");
    expect(era).not.toBe("");
    expect(await sync()).toMatchObject({ era, seq });
  });

  it("leaves an era alone that is there", async () => {
    const { purge, establish } = setup();
    const { era } = await establish();
    expect((await purge("t:a")).era).toBe(era);
  });

  it.each(["!seq", "!era:x", "!floor:9007199254740991", "~t:x", "t:", "n:", "%s", "\u2028"])(
    "of the hostile tag %j is that tag's, and touches nothing else",
    async (tag) => {
      const { purge, establish, numbers, sync, log } = setup();
      const before = await establish();
      const members = logKeysOfPurge({ tags: [tag] });
      const { seq } = await purge(...members);
      expect(await numbers(`t:${tag}`)).toEqual([seq]);
      const after = await sync(before.seq);
      expect(after).toMatchObject({ era: before.era, seq, floor: 0 });
      expect(after.changes).toEqual([[`t:${tag}`, seq]]);
      expect(await redisCommand("ZCARD", log)).toBe(3);
    },
  );
});

describe("a sync", () => {
  it("brings the changes since a number, that number included", async () => {
    const { purge, sync } = setup();
    await purge("t:a");
    const b = await purge("t:b");
    const c = await purge("t:c", "~n:");
    const { changes, ...head } = await sync(b.seq);
    expect(head).toMatchObject({
      era: c.era,
      seq: c.seq,
      floor: 0,
      since: b.seq,
      truncated: false,
    });
    expect(new Map(changes)).toEqual(
      new Map([
        ["t:b", b.seq],
        ["t:c", c.seq],
        ["~n:", c.seq],
      ]),
    );
  });

  it("says the same as the script of a verification", async () => {
    const { purge, sync, verify, trim, establish } = setup();
    const start = await establish();
    await trim(0);
    await purge("t:a");
    const { seq } = await purge("t:b", "t:c");
    await trim(60_000);
    for (const since of [start.seq, seq, seq - 1]) {
      const plain = await sync(since);
      const { log } = await verify(["t:a"], since);
      expect({ ...plain, sentAt: 0 }).toEqual({ ...log, sentAt: 0 });
    }
  });

  it("that asks above the log's number is told that the log has none there", async () => {
    const { purge, sync } = setup();
    const { seq, era } = await purge("t:a");
    expect(await sync(seq + 1)).toMatchObject({ era, seq: undefined, changes: [] });
  });

  it("finds no era where there is no log", async () => {
    const { sync } = setup();
    expect(await sync()).toMatchObject({ era: undefined, seq: undefined });
    expect(await sync(5)).toMatchObject({ era: undefined, seq: undefined });
  });

  it("is cut short at its limit, newest first, and says so", async () => {
    const { purge, sync, verify } = setup();
    const first = await purge("t:first");
    const many = await purge(...names(MAX_CHANGES - 10));
    const last = await purge(...names(100, "last"));
    for (const answer of [await sync(first.seq), (await verify(["n:"], first.seq)).log]) {
      expect(answer).toMatchObject({ truncated: true, era: last.era, seq: last.seq });
      expect(answer.changes.filter(([, seq]) => seq === last.seq)).toHaveLength(100);
      expect(answer.changes.map(([member]) => member)).not.toContain("t:first");
      expect(answer.changes.at(-1)?.[1]).toBe(many.seq);
    }
  });

  it("knows the log's number even if one purge alone fills the answer", async () => {
    const { purge, sync } = setup();
    const { seq } = await purge("t:a");
    const huge = await purge(...names(2 * MAX_CHANGES));
    const answer = await sync(seq);
    expect(answer).toMatchObject({ truncated: true, era: huge.era, seq: huge.seq });
    expect(answer.changes.every(([, number]) => number === huge.seq)).toBe(true);
  });

  function names(count: number, prefix = "many"): InvalidationKey[] {
    return Array.from({ length: count }, (_, i): InvalidationKey => `t:${prefix}${i}`);
  }
});

describe("a verification", () => {
  it("brings the highest numbers of the members, hard and soft", async () => {
    const { purge, verify } = setup();
    await purge("t:a");
    const b = await purge("t:b");
    const soft = await purge("~t:a");
    await purge("t:c");
    expect(await verify(["t:a", "t:b"])).toMatchObject({ hard: b.seq, soft: soft.seq });
    expect(await verify(["t:never"])).toMatchObject({ hard: 0, soft: 0 });
    expect(await verify([])).toMatchObject({ hard: 0, soft: 0, log: { era: b.era } });
  });

  it("takes as many members as an entry can carry", async () => {
    const { purge, verify } = setup();
    const members = Array.from({ length: 6_000 }, (_, i): LogKey => `t:${i}`);
    const { seq } = await purge("~t:5999");
    expect(await verify(members)).toMatchObject({ hard: 0, soft: seq });
  });
});
