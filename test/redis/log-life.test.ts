import { describe, expect, it } from "vitest";
import { TOP } from "../../src/core/log.ts";
import { entryOf, taggedMembers } from "../support/entries.ts";
import { redisCommand } from "../support/gateway.ts";
import { setupLog as setup } from "./log-setup.ts";
import { valueOf } from "./stores.ts";

describe("establishing the log", () => {
  it("by many isolates at once makes one era, which all of them hear of", async () => {
    const { namespace } = setup();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => setup(namespace).establish()),
    );
    expect(new Set(answers.map(({ era }) => era)).size).toBe(1);
    expect(new Set(answers.map(({ seq }) => seq)).size).toBe(1);
    expect(answers[0]?.era).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("after a loss, by many isolates at once, makes one new era", async () => {
    const { namespace, establish, log } = setup();
    const { era, seq } = await establish();
    await redisCommand("DEL", log);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => setup(namespace).establish({ era, seq })),
    );
    const [renewed] = new Set(answers.map((answer) => answer.era));
    expect(new Set(answers.map((answer) => answer.era)).size).toBe(1);
    expect(renewed).not.toBe(era);
    for (const answer of answers) expect(answer.seq).toBeGreaterThan(seq ?? 0);
  });

  it("leaves a log alone that has all that is known", async () => {
    const { establish, purge } = setup();
    const { era } = await establish();
    const { seq } = await purge("t:a");
    expect(await establish({ era, seq })).toMatchObject({ era, seq, changes: [["t:a", seq]] });
    expect(await establish({ era, seq: seq - 1 })).toMatchObject({ era, seq });
    expect(await establish()).toMatchObject({ era, seq, changes: [] });
  });

  it("renews the era of a log that lacks numbers which were seen", async () => {
    const { establish, log, purge } = setup();
    const { era } = await establish();
    const { seq } = await purge("t:a");
    await redisCommand("ZADD", log, seq - 1_000, "!seq");
    const renewed = await establish({ era, seq });
    expect(renewed.era).not.toBe(era);
    expect(renewed.seq).toBeGreaterThan(seq);
    // The others hear of it, and do not renew it again.
    expect(await establish({ era, seq })).toMatchObject({ era: renewed.era, seq: renewed.seq });
    expect(await redisCommand("ZCOUNT", log, TOP, TOP)).toBe(1);
  });

  it("does not compare numbers of different eras", async () => {
    const { establish } = setup();
    const { era, seq } = await establish();
    expect(await establish({ era: "another", seq: TOP - 1 })).toMatchObject({ era, seq });
  });

  it("renews an era that has lost its number", async () => {
    const { establish, log } = setup();
    const { era, seq } = await establish();
    await redisCommand("ZREM", log, "!seq");
    const renewed = await establish({ era, seq });
    expect(renewed.era).not.toBe(era);
    expect(renewed.seq).toBeGreaterThan(seq ?? 0);
  });

  it("gives a log without an era one, whatever else is in it", async () => {
    const { establish, log, purge } = setup();
    const { era, seq } = await purge("t:a");
    await redisCommand("ZREM", log, `!era:${era}`);
    const renewed = await establish({ era, seq });
    expect(renewed.era).not.toBe(era);
    expect(renewed.seq).toBeGreaterThan(seq);
  });
});

describe("trimming", () => {
  it("does nothing where there is no log", async () => {
    const { trim, log } = setup();
    expect(await trim(0)).toBe(0);
    expect(await redisCommand("EXISTS", log)).toBe(0);
  });

  it("forgets what is older than asked, and raises the floor to it", async () => {
    const { purge, trim, numbers, sync } = setup();
    const a = await purge("t:a");
    expect(await trim(60_000)).toBe(0);
    expect(await numbers("t:a")).toEqual([a.seq]);

    expect(await trim(0)).toBe(a.seq);
    expect(await numbers("t:a")).toEqual([0]);
    expect(await sync(a.seq)).toMatchObject({ era: a.era, seq: a.seq, floor: a.seq, changes: [] });
  });

  it("keeps what is newer than the floor", async () => {
    const { purge, trim, numbers, namespace } = setup();
    const a = await purge("t:a");
    await trim(60_000);
    const b = await purge("t:b");
    // The first mark was made ten minutes ago.
    await redisCommand("ZADD", `${namespace}:inv:marks`, Date.now() - 600_000, a.seq);
    expect(await trim(300_000)).toBe(a.seq);
    expect(await numbers("t:a", "t:b")).toEqual([0, b.seq]);
  });

  it("never lowers the floor, and leaves one floor and one era", async () => {
    const { purge, trim, log } = setup();
    await purge("t:a");
    const first = await trim(0);
    expect(await trim(60_000)).toBe(first);
    expect(await trim(0)).toBe(first);
    const { seq } = await purge("t:b");
    expect(await trim(0)).toBe(seq);
    expect(await redisCommand("ZCOUNT", log, TOP, TOP)).toBe(2);
    expect(await redisCommand("ZCARD", log)).toBe(3);
  });

  it("forgets its marks below the floor", async () => {
    const { purge, trim, namespace } = setup();
    for (const tag of ["a", "b", "c"] as const) {
      await purge(`t:${tag}`);
      await trim(0);
    }
    expect(await redisCommand("ZCARD", `${namespace}:inv:marks`)).toBe(1);
  });

  it("shows in the answer that also brings an older entry", async () => {
    const { purge, trim, store, ctx } = setup();
    const { era, seq } = await purge("t:a");
    const storedAt = Date.now();
    const entry = entryOf({
      storedAt,
      asOf: seq - 1,
      era,
      invalidationKeys: taggedMembers("product:1", "a"),
    });
    valueOf(await store.write([entry], ctx));
    await trim(0);
    const { found, log } = valueOf(await store.read(["product:1"], undefined, ctx));
    // Its number is forgotten; the floor tells that it may have been there.
    expect(found[0]?.hard).toBe(0);
    expect(log.floor).toBe(seq);
  });
});
