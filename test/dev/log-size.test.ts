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
import { availableEngines, type EngineChoice } from "./support/engines.ts";
import { openUpstash, TOKEN, type TestUpstash } from "./support/upstash.ts";

const NAMES = Number(process.env["LOG_NAMES"] ?? 20_160);
const HOURS = 7 * 24;
const HOUR_MS = 3_600_000;
const KEEP_MS = (HOURS + 1) * HOUR_MS;
/** The default of `log.maxKeys` for a million names, and the same share of fewer. */
const MAX_KEYS = NAMES / 10;
/** The limit for a million names. */
const MAX_BYTES = NAMES * 20;

const engines = availableEngines();

interface Week {
  /** The log keys after the last trimming. */
  readonly logKeys: number;
  /** The most bytes of the log before a trimming. Undefined if the engine does not measure them. */
  readonly bytes: number | undefined;
}

/** Purges the tags in a simulated week, and trims the log each hour. */
async function playWeek(upstash: TestUpstash, measures: boolean): Promise<Week> {
  const run = async (name: string, ...args: readonly (string | number)[]) =>
    (await upstash.engine.run(operation(name, ...args.map(String)))).reply;
  const redis = createRedis({ url: upstash.url, token: TOKEN, timeoutMs: 60_000 });
  const newId = () => crypto.randomUUID();
  const store = createRedisStore({ redis, namespace: "week", newId, maxEntryChars: 1_000 });
  const ctx = createContext({
    now: Date.now,
    host: "strata.test",
    region: "test",
    waitUntil: () => undefined,
    emit: () => undefined,
  });
  let bytes = 0;
  for (let hour = 0; hour < HOURS; hour++) {
    const names = Array.from({ length: Math.ceil(NAMES / HOURS) }, () =>
      invalidationKeyOfTag(crypto.randomUUID()),
    );
    expect(await store.invalidate(names, [], ctx)).toMatchObject({ ok: true });
    if (measures)
      bytes = Math.max(bytes, Number(await run("MEMORY", "USAGE", "week:inv", "SAMPLES", 0)));
    expect(await store.trim(KEEP_MS, MAX_KEYS, ctx)).toMatchObject({ ok: true });
    // An hour passes: the marks of the log become older.
    const marks = (await run("ZRANGE", "week:inv:marks", 0, -1, "WITHSCORES")) as readonly Buffer[];
    const texts = marks.map(String);
    for (let at = 0; at < texts.length; at += 2)
      await run("ZADD", "week:inv:marks", Number(texts[at + 1]) - HOUR_MS, texts[at] ?? "");
  }
  // The era, the floor and `!seq` are no log keys.
  const logKeys = Number(await run("ZCARD", "week:inv")) - 3;
  return { logKeys, bytes: measures ? bytes : undefined };
}

/** Plays the week before the tests of a suite. Returns a function that gives its result. */
function useWeek(choice: EngineChoice): () => Week {
  let upstash: TestUpstash;
  let week: Week;
  beforeAll(async () => {
    upstash = await openUpstash(choice);
    week = await playWeek(upstash, choice.name === "server");
  }, 600_000);
  afterAll(() => upstash.close());
  return () => week;
}

/** Log keys of one purge are removed together, so there may be fewer than the maximum. */
const FEWEST_KEYS = MAX_KEYS - Math.ceil(NAMES / HOURS);

describe.each(engines.filter(({ name }) => name === "embedded"))(
  "the size of the invalidation log over the $name engine",
  (choice) => {
    const week = useWeek(choice);

    it(`after purges of ${NAMES} different tags in a simulated week with a trimming each hour, the invalidation log has a tenth of them`, () => {
      const { logKeys } = week();
      expect(logKeys).toBeLessThanOrEqual(MAX_KEYS);
      expect(logKeys).toBeGreaterThan(FEWEST_KEYS);
    });
  },
);

// Only a real Redis tells how many bytes a key takes.
describe.each(engines.filter(({ name }) => name === "server"))(
  "the size of the invalidation log over the $name engine",
  (choice) => {
    const week = useWeek(choice);

    it(`after purges of ${NAMES} different tags of 36 characters in a simulated week with a trimming each hour, Redis reports at most ${MAX_BYTES / 1_000_000} MB for the invalidation log`, () => {
      const { bytes } = week();
      if (process.env["LOG_NAMES"] !== undefined) console.log(`at most ${bytes} bytes`);
      expect(bytes).toBeGreaterThan(0);
      expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
    });
  },
);
