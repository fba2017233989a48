import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createDataLayer } from "../../src/compose/data-layer.ts";
import { dataPartsOf } from "../../src/compose/data-parts.ts";
import { HOST } from "../../src/compose/open-cache.ts";
import { MAX_LIFETIME_MS } from "../../src/core/policy.ts";
import type { Shared } from "../../src/data/shared.ts";
import { DefinitionError, definePolicy, key } from "../../src/entries/data.ts";
import { durable } from "../../src/entries/durable.ts";
import { redis } from "../../src/entries/redis.ts";
import { keepAlive } from "../../src/keep-alive.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { sqlIn } from "../stores/durable-subject.ts";
import { createTestContext } from "../support/context.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";
import { redisCommand } from "../support/gateway.ts";
import { createTestClock, uniqueNamespace, type TestClock } from "../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "1h", tags: ["users"] });
const OTHER = definePolicy({ freshFor: "1h" });
const SETTLE_MS = 60_000;
const USER = key("user", 7);
const ERASE_USERS = { tags: ["users"], erase: true } as const;

const onRedis = (): Shared =>
  redis({
    url: env.UPSTASH_REDIS_REST_URL,
    token: env.UPSTASH_REDIS_REST_TOKEN,
    requests: { timeout: "10s" },
  });
const onObjects = (shards: number) => (): Shared =>
  durable(env.STRATA, { shards, timeout: "10s", breaker: { slow: "1m" } });

function openIsolate(namespace: string, shared: Shared | undefined, clock: TestClock) {
  const deferred: Promise<unknown>[] = [];
  const strata = createDataLayer(
    { namespace, ...(shared && { shared }) },
    { now: clock.now, random: () => 0, newId: () => crypto.randomUUID(), sleep: clock.sleep },
    keepAlive,
  );
  return {
    cache: strata.open({ waitUntil: (work) => void deferred.push(work) }),
    /** Reads users and one other value, and waits until the tiers have them. */
    async load(users = [7, 8]) {
      for (const id of users) await this.cache.read(key("user", id), POLICY, async () => `u${id}`);
      await this.cache.read("other:1", OTHER, async () => "other");
      await this.settle();
    },
    async settle() {
      for (let at = 0; at < deferred.length; at++) await deferred[at];
    },
    /** The keys whose bytes the memory of this isolate holds. */
    inMemory: () =>
      [USER, "user:8", "other:1"].filter((one) => dataPartsOf(strata).memory.peek(one)),
  };
}

const inEdge = async (namespace: string, entryKey: string): Promise<boolean> =>
  (await (
    await caches.open(namespace)
  ).match(`https://${HOST}/__strata/entries/${encodeURIComponent(entryKey)}`)) !== undefined;

describe.each<[string, () => Shared, (namespace: string, key: string) => Promise<boolean>]>([
  [
    "Redis",
    onRedis,
    async (namespace, entryKey) =>
      (await redisCommand<number>("EXISTS", `${namespace}:e:${entryKey}`)) === 1,
  ],
  ...[0, 3].map(
    (shards): [string, () => Shared, (namespace: string, key: string) => Promise<boolean>] => [
      `${shards + 1} Durable Objects`,
      onObjects(shards),
      async (namespace, entryKey) => {
        const objects = shards
          ? Array.from({ length: shards }, (_, i) => `${namespace}-entries-${i}`)
          : [`${namespace}-store`];
        const query = "SELECT 1 FROM entries WHERE key = ?";
        const rows = await Promise.all(objects.map((name) => sqlIn(name, query, entryKey)));
        return rows.flat().length > 0;
      },
    ],
  ),
])("purge with erase, with a shared store in %s", (_, shared, inStore) => {
  function setup() {
    const namespace = uniqueNamespace();
    const clock = createTestClock();
    return {
      namespace,
      clock,
      first: openIsolate(namespace, shared(), clock),
      second: openIsolate(namespace, shared(), clock),
    };
  }

  it("an erasure of a tag removes the bytes from memory, edge and store, and from other isolates at their next sync", async () => {
    const { namespace, clock, first, second } = setup();
    await first.load();
    await second.load();
    expect(second.inMemory()).toEqual([USER, "user:8", "other:1"]);
    clock.stop();
    const at = clock.now();

    const erasure = await first.cache.purge(ERASE_USERS);

    expect(erasure).toMatchObject({
      done: false,
      resumeAt: at + SETTLE_MS,
      memory: { removed: 2, elsewhere: "next-sync" },
      edge: { elsewhereUntil: at + SETTLE_MS + MAX_LIFETIME_MS },
      shared: { removed: 2, state: "partial" },
    });
    expect(first.inMemory()).toEqual(["other:1"]);
    for (const gone of [USER, "user:8"]) {
      expect(await inStore(namespace, gone)).toBe(false);
      expect(await inEdge(namespace, gone)).toBe(false);
    }
    expect(await inStore(namespace, "other:1")).toBe(true);
    expect(await inEdge(namespace, "other:1")).toBe(true);
    // The other isolate has not heard of it yet. A read of another key brings its log view up to date.
    expect(second.inMemory()).toContain(USER);
    clock.advance(2_000);
    await second.cache.get("other:1", OTHER);
    expect(second.inMemory()).toEqual(["other:1"]);
  });

  it("an erasure is done after a pass that begins a minute later, which removes what a late load stored", async () => {
    const { namespace, clock, first, second } = setup();
    await first.load();
    const begun = await first.cache.purge(ERASE_USERS);
    // A load that began before the erasure, in an isolate that has not heard of it, stores its result after it.
    const random = (): number => 0;
    const opening = { namespace, newId: () => "", now: clock.now, random, withTimeout };
    const { store } = shared().open({ ...opening, emit: () => undefined });
    const late = entryOf({
      key: "user:9",
      invalidationKeys: invalidationKeysOf("user:9", "users"),
      asOf: 1,
      era: first.cache.position().era,
      storedAt: clock.now(),
      freshUntil: clock.now() + 3_600_000,
    });
    expect(await store.write([late], createTestContext({ now: clock.now }))).toMatchObject({
      ok: true,
    });
    expect(await inStore(namespace, "user:9")).toBe(true);

    const early = await second.cache.purge({ ...ERASE_USERS, cursor: begun.cursor! });
    expect(early).toMatchObject({ done: false, cursor: begun.cursor, resumeAt: begun.resumeAt });
    expect(await inStore(namespace, "user:9")).toBe(true);

    clock.advance(SETTLE_MS);
    const last = await second.cache.purge({ ...ERASE_USERS, cursor: begun.cursor! });
    expect(last).toMatchObject({ done: true, shared: { removed: 1, state: "done" } });
    expect(last.cursor).toBeUndefined();
    expect(await inStore(namespace, "user:9")).toBe(false);
  });

  it("an erasure keeps values that were loaded after it", async () => {
    const { namespace, clock, first } = setup();
    await first.load();
    const { cursor } = await first.cache.purge(ERASE_USERS);
    await first.load([7]);
    clock.advance(SETTLE_MS);
    const last = await first.cache.purge({ ...ERASE_USERS, cursor: cursor! });
    expect(last).toMatchObject({ done: true, memory: { removed: 0 }, shared: { removed: 0 } });
    expect(await inStore(namespace, USER)).toBe(true);
    expect(first.inMemory()).toContain(USER);
  });

  it("the cursor of an erasure with other targets is an error", async () => {
    const { first } = setup();
    const { cursor } = await first.cache.purge(ERASE_USERS);
    for (const wrong of [cursor!, "", "1~e~2~1~3~", "x".repeat(2_000)]) {
      const continued = first.cache.purge({ keys: [USER], erase: true, cursor: wrong });
      await expect(continued).rejects.toThrow(DefinitionError);
    }
  });

  it("an erasure of a key removes the values that were made from its value", async () => {
    const { namespace, first } = setup();
    await first.load();
    await first.cache.read("page:1", OTHER, async () => {
      const { value } = await first.cache.read<string>(USER, POLICY, async () => "u7");
      return `page of ${value}`;
    });
    await first.settle();
    expect(await inStore(namespace, "page:1")).toBe(true);
    await first.cache.purge({ keys: [USER], erase: true });
    for (const gone of [USER, "page:1"]) expect(await inStore(namespace, gone)).toBe(false);
    expect(await inStore(namespace, "user:8")).toBe(true);
  });
});

describe("purge with erase, without a shared store", () => {
  it("an erasure is refused with an error that names the option `shared`, and invalidates nothing", async () => {
    const namespace = uniqueNamespace();
    const first = openIsolate(namespace, undefined, createTestClock());
    await first.load([7]);
    await expect(first.cache.purge({ keys: [USER], erase: true })).rejects.toThrow(
      "erase: needs the option `shared`",
    );
    expect(first.inMemory()).toContain(USER);
    expect((await first.cache.get(USER, OTHER))?.status).toBe("hit-memory");
  });

  it("a purge without erase leaves the bytes in memory of other isolates until a read refuses them", async () => {
    const namespace = uniqueNamespace();
    const clock = createTestClock();
    const first = openIsolate(namespace, undefined, clock);
    const second = openIsolate(namespace, undefined, clock);
    await first.load([7]);
    await second.load([7]);
    expect(await first.cache.purge({ tags: ["users"] })).toBeUndefined();
    clock.advance(2_000);
    await second.cache.get("other:1", OTHER);
    expect(second.inMemory()).toContain(USER);
    expect(await second.cache.get(USER, POLICY)).toBeUndefined();
    expect(second.inMemory()).toEqual(["other:1"]);
  });
});
