import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RedisFigures } from "../../src/core/redis-figures.ts";
import { parseInfo } from "../../src/redis/parse-info.ts";
import type { RedisEngine } from "../../dev/redis/engine.ts";
import { availableEngines } from "./support/engines.ts";
import type { OpenEngine } from "./support/engines.ts";
import { operation, transcribe, type Step } from "./support/transcript.ts";
import { hashes } from "./support/steps/hashes.ts";
import { keys } from "./support/steps/keys.ts";
import { numbers } from "./support/steps/numbers.ts";
import { scripts } from "./support/steps/scripts.ts";
import { sortedSets } from "./support/steps/sorted-sets.ts";
import { strings } from "./support/steps/strings.ts";

/**
 * The commands for both engines. The recorded answers are in one file each, in
 * fixtures/transcripts.
 */
const TRANSCRIPTS = {
  strings,
  keys,
  hashes,
  "sorted-sets": sortedSets,
  scripts,
  numbers,
};

describe.each(availableEngines())("the $name Redis engine", ({ open }) => {
  let opened: OpenEngine;
  let engine: RedisEngine;

  beforeAll(async () => {
    opened = await open();
    engine = opened.engine;
  });
  afterAll(() => opened.close());
  beforeEach(() => engine.wipe());

  // The transcripts were recorded from Redis 7: `vitest run -u` with a Redis server on PATH.
  it.each(Object.entries(TRANSCRIPTS))(
    "the local Redis engine gives the same answers as a recorded Redis 7, for commands of the group %s",
    async (name, steps) => {
      const transcript = await transcribe(engine, steps);
      await expect(transcript).toMatchFileSnapshot(`fixtures/transcripts/${name}.txt`);
    },
  );

  it("INFO of the local Redis engine counts reads by commands and scripts, of keys that exist and of keys that do not, and its memory grows with the keys", async () => {
    const info = async (): Promise<RedisFigures> => {
      const { reply } = await engine.run(operation("INFO"));
      return parseInfo(Buffer.isBuffer(reply) ? reply.toString() : null);
    };
    const before = await info();
    const steps: readonly Step[] = [
      ["SET", "s", "x".repeat(10_000)],
      ["ZADD", "z", 1, "m"],
      ["HSET", "h", "f", "v"],
      ["GET", "s"],
      ["MGET", "s", "none", "also-none"],
      ["ZRANGE", "z", 0, -1],
      ["ZMSCORE", "none", "m"],
      ["HGET", "h", "f"],
      ["EVAL", "return redis.call('GET', KEYS[1])", 1, "none"],
    ];
    await transcribe(engine, steps);
    const after = await info();
    expect((after.hits ?? 0) - (before.hits ?? 0)).toBe(4);
    expect((after.misses ?? 0) - (before.misses ?? 0)).toBe(4);
    expect((after.usedBytes ?? 0) - (before.usedBytes ?? 0)).toBeGreaterThan(10_000);
    expect(after).toMatchObject({ evictionPolicy: "noeviction", evictions: 0 });
  });

  it("the command TIME of the local Redis engine returns the current time in microseconds", async () => {
    const before = Date.now() * 1_000;
    const { reply } = await engine.run(operation("TIME"));
    const [seconds, micros] = (reply as readonly Buffer[]).map((part) => Number(part.toString()));
    const now = seconds! * 1_000_000 + micros!;
    // The two clocks are of one machine, and one has a resolution of 1 ms.
    expect(now).toBeGreaterThan(before - 5_000);
    expect(now).toBeLessThan(Date.now() * 1_000 + 5_000);
  });
});
