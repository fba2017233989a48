/** The estimate of `npm run estimate` beside what Redis and the memory tier really take. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createContext } from "../../src/core/context.ts";
import { encodeEntry } from "../../src/core/codec.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createRedisStore } from "../../src/redis/store.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { estimate, sampleEntry, type Catalogue } from "../../tools/estimate/sizing.ts";
import { availableEngines } from "./support/engines.ts";
import { operation } from "./support/transcript.ts";
import { openUpstash, TOKEN, type TestUpstash } from "./support/upstash.ts";

const ITEMS = 4_096;
const CATALOGUES: readonly Catalogue[] = [
  { items: ITEMS, bytes: 131, tags: 1, missesPerSecond: 0 },
  { items: ITEMS, bytes: 800, tags: 3, missesPerSecond: 0 },
  { items: ITEMS, bytes: 4_000, tags: 8, missesPerSecond: 0 },
];
const DAY_MS = 86_400_000;

describe.each(availableEngines())("the estimate over the $name Redis engine", ({ name, open }) => {
  let upstash: TestUpstash;
  beforeAll(async () => {
    upstash = await openUpstash({ name, open });
  });
  afterAll(() => upstash?.close());

  async function usedBytes(): Promise<number> {
    const { reply } = await upstash.engine.run(operation("INFO"));
    return Number(/used_memory:(\d+)/.exec(Buffer.isBuffer(reply) ? reply.toString() : "")?.[1]);
  }

  it.each(CATALOGUES)(
    `${ITEMS} entries of $bytes bytes with $tags tags take at most as much as the estimate says, and at least 95 % of it, in a Redis server`,
    async (catalogue) => {
      await upstash.engine.wipe();
      const redis = createRedis({ url: upstash.url, token: TOKEN, timeoutMs: 60_000 });
      const store = createRedisStore({
        redis,
        namespace: "strata",
        newId: () => crypto.randomUUID(),
        maxEntryChars: 1_048_576,
        packFromChars: 16_384,
      });
      const ctx = createContext({
        now: Date.now,
        host: "strata.test",
        region: "test",
        waitUntil: () => undefined,
        emit: () => undefined,
      });
      const now = Date.now();
      const entries = Array.from({ length: ITEMS }, (_, at) => ({
        ...sampleEntry(catalogue, at),
        deleteAt: now + DAY_MS,
      }));
      const before = await usedBytes();
      for (let at = 0; at < ITEMS; at += 256)
        expect(await store.write(entries.slice(at, at + 256), ctx)).toMatchObject({ ok: true });
      const perEntry = ((await usedBytes()) - before) / ITEMS;
      const { redisBytesPerEntry } = estimate(catalogue);
      if (process.env["SIZING"] !== undefined)
        console.log(`${name} ${catalogue.bytes}: ${perEntry}, estimated ${redisBytesPerEntry}`);
      // The embedded Redis counts the texts alone.
      const text = encodeEntry(sampleEntry(catalogue, 0)).length;
      const least = name === "server" ? 0.95 * redisBytesPerEntry : text;
      expect(perEntry).toBeGreaterThanOrEqual(least);
      expect(perEntry).toBeLessThanOrEqual(redisBytesPerEntry);
    },
    60_000,
  );
});

describe("the estimate of the memory tier", () => {
  it.each([
    { items: 30_000, bytes: 800, tags: 1, missesPerSecond: 0 },
    { items: 30_000, bytes: 4_000, tags: 3, missesPerSecond: 0 },
  ])(
    "of 30,000 entries of $bytes bytes with $tags tags, the memory tier with the default options holds as many as the estimate says",
    (catalogue) => {
      const memory = createMemoryTier({ maxBytes: 32 * 2 ** 20, maxEntries: 20_000 });
      for (let at = 0; at < catalogue.items; at++) memory.put(sampleEntry(catalogue, at), 0);
      expect(memory.stats().entries).toBe(estimate(catalogue).entriesInMemory);
    },
  );

  it("a region with 10,000 misses a second needs 40 flight objects, and one with few has the default", () => {
    const shards = (missesPerSecond: number): number =>
      estimate({ items: 1, bytes: 1, tags: 0, missesPerSecond }).flightShards;
    expect([shards(10_000), shards(10)]).toEqual([40, 16]);
  });
});
