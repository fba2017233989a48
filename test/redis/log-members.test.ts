import { describe, expect, it } from "vitest";
import { TOP } from "../../src/core/log.ts";
import { redisCommand } from "../support/gateway.ts";
import { setupLog } from "../stores/subject.ts";
import { redisSubject } from "./subject.ts";

const setup = () => {
  const log = setupLog(redisSubject);
  return { ...log, log: `${log.namespace}:inv` };
};

describe("the invalidation log as Redis keeps it", () => {
  it("the number of an invalidation is an exact integer as the score of a member in Redis", async () => {
    const { purge, log } = setup();
    const { seq } = await purge("t:a");
    expect(await redisCommand("ZSCORE", log, "!seq")).toBe(String(seq));
  });

  it("the newest number in Redis is above the changes of a purge that fills a whole response", async () => {
    const { purge, sync } = setup();
    const { seq } = await purge("t:a");
    const names = Array.from({ length: 2_000 }, (_, i) => `t:many${i}` as const);
    const huge = await purge(...names);
    expect((await sync(seq)).seq).toBe(huge.seq + 1);
  });

  it("the log in Redis has exactly one floor and one era after it was trimmed and renewed", async () => {
    const { purge, trim, establish, inside, log } = setup();
    const { era, seq } = await purge("t:a");
    await trim(0);
    await purge("t:b");
    await trim(0);
    expect(await redisCommand("ZCOUNT", log, TOP, TOP)).toBe(2);
    expect(await redisCommand("ZCARD", log)).toBe(3);
    await inside.setNewest(seq - 1_000);
    await establish({ era, seq });
    expect(await redisCommand("ZCOUNT", log, TOP, TOP)).toBe(1);
  });

  it("the store method establish() gives a new era to an invalidation log that has lost its highest number", async () => {
    const { establish, log } = setup();
    const { era, seq } = await establish();
    await redisCommand("ZREM", log, "!seq");
    const renewed = await establish({ era, seq: seq ?? 0 });
    expect(renewed.era).not.toBe(era);
    expect(renewed.seq).toBeGreaterThan(seq ?? 0);
  });

  it("the store method establish() gives a new era to an invalidation log that has lost its era", async () => {
    const { establish, log, purge } = setup();
    const { era, seq } = await purge("t:a");
    await redisCommand("ZREM", log, `!era:${era}`);
    const renewed = await establish({ era, seq: seq ?? 0 });
    expect(renewed.era).not.toBe(era);
    expect(renewed.seq).toBeGreaterThan(seq);
  });
});
