/**
 * The size of the invalidation log after a week of purges. `npm test` purges 20,160 names;
 * `LOG_NAMES=1000000 npx vitest run --project node test/dev/log-size.test.ts` purges a million.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createContext } from "../../src/core/context.ts";
import { invalidationKeyOfTag } from "../../src/core/invalidation-key.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createRedisStore } from "../../src/redis/store.ts";
import { operation } from "./support/transcript.ts";
import { availableEngines } from "./support/engines.ts";
import { openUpstash, TOKEN, type TestUpstash } from "./support/upstash.ts";

const NAMES = Number(process.env["LOG_NAMES"] ?? 20_160);
const HOURS = 7 * 24;
const HOUR_MS = 3_600_000;
const KEEP_MS = (HOURS + 1) * HOUR_MS;
/** The default of `log.maxKeys` for a million names, and the same share of fewer. */
const MAX_KEYS = NAMES / 10;
/** The limit for a million names. */
const MAX_BYTES = NAMES * 20;

describe.each(availableEngines())(
  "the size of the invalidation log over the $name engine",
  (choice) => {
    let upstash: TestUpstash;
    beforeAll(async () => {
      upstash = await openUpstash(choice);
    });
    afterAll(() => upstash.close());

    const run = async (name: string, ...args: readonly (string | number)[]) =>
      (await upstash.engine.run(operation(name, ...args.map(String)))).reply;

    it(
      `after purges of ${NAMES} different tags of 36 characters in a simulated week, and a trimming each hour, the invalidation log has at most a tenth of them and takes at most ${MAX_BYTES / 1_000_000} MB`,
      { timeout: 600_000 },
      async () => {
        const redis = createRedis({ url: upstash.url, token: TOKEN, timeoutMs: 60_000 });
        const store = createRedisStore({
          redis,
          namespace: "week",
          newId: () => crypto.randomUUID(),
          maxEntryChars: 1_000,
        });
        const ctx = createContext({
          now: Date.now,
          host: "strata.test",
          region: "test",
          waitUntil: () => undefined,
          emit: () => undefined,
        });
        let largest = 0;
        for (let hour = 0; hour < HOURS; hour++) {
          const names = Array.from({ length: Math.ceil(NAMES / HOURS) }, () =>
            invalidationKeyOfTag(crypto.randomUUID()),
          );
          expect((await store.invalidate(names, [], ctx)).ok).toBe(true);
          // The largest size is that before the trimming.
          const bytes =
            choice.name === "server" ? await run("MEMORY", "USAGE", "week:inv", "SAMPLES", 0) : 0;
          largest = Math.max(largest, Number(bytes));
          expect(await store.trim(KEEP_MS, MAX_KEYS, ctx)).toMatchObject({ ok: true });
          await passAnHour();
        }
        // The era, the floor and `!seq` are no log keys.
        expect(await run("ZCARD", "week:inv")).toBeLessThanOrEqual(MAX_KEYS + 3);
        expect(await run("ZCARD", "week:inv")).toBeGreaterThan(MAX_KEYS / 2);
        expect(largest).toBeLessThanOrEqual(MAX_BYTES);
        if (choice.name === "server") console.log(`${NAMES} names: at most ${largest} bytes`);
      },
    );

    /** Makes the marks of the log an hour older. */
    async function passAnHour(): Promise<void> {
      const marks = (await run(
        "ZRANGE",
        "week:inv:marks",
        0,
        -1,
        "WITHSCORES",
      )) as readonly Buffer[];
      const texts = marks.map(String);
      for (let at = 0; at < texts.length; at += 2)
        await run("ZADD", "week:inv:marks", Number(texts[at + 1]) - HOUR_MS, texts[at]!);
    }
  },
);
