import { afterEach, describe, expect, it, vi } from "vitest";
import type { DataLookup } from "../../src/core/data-reader.ts";
import { logKeysOfPurge, type LogKey } from "../../src/core/invalidation-key.ts";
import { definePolicy, key } from "../../src/index.ts";
import { countRedis, redisCommand } from "../support/gateway.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { createReplica } from "./replica.ts";

const product = key("product", 42);
/** The most requests of one read while the log recovers: sync, establish, read, establish, write. */
const MOST_REQUESTS = 5;

interface World {
  readonly namespace: string;
  readonly log: string;
  /** A new isolate in a data centre of its own. */
  isolate(): TestIsolate;
  /** Reads, waits for deferred work, and checks the number of requests. */
  read(isolate: TestIsolate): Promise<DataLookup<number>>;
  /** Changes the row and invalidates its tag. */
  change(): Promise<void>;
  era(isolate: TestIsolate): string;
}

function createWorld(tag = "products"): World {
  const namespace = uniqueNamespace();
  // The flight object has its own clock, which these tests do not advance.
  const policy = definePolicy({
    freshFor: "10m",
    staleIfError: "10m",
    jitter: 0,
    tags: [tag],
    flight: "isolate",
  });
  const logKeys: LogKey[] = logKeysOfPurge({ tags: [tag] });
  let colos = 0;
  let row = 1;
  const isolate = (): TestIsolate => createTestIsolate({ namespace, host: `colo-${colos++}.test` });
  const writer = isolate();
  return {
    namespace,
    log: `${namespace}:inv`,
    isolate,
    async read(reader) {
      let lookup: DataLookup<number> | undefined;
      const { requests } = await countRedis(async () => {
        lookup = await reader.request().read(product, policy, async () => row);
        await reader.settle();
      });
      expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
      return lookup!;
    },
    async change() {
      row++;
      const done = await writer.layer.coherence.invalidate(logKeys, writer.request().ctx);
      expect(done.ok).toBe(true);
    },
    era: (reader) => reader.layer.coherence.logPosition().era,
  };
}

/** Two isolates have value 1 in memory, edge and Redis. */
async function warmWorld(tag?: string) {
  const world = createWorld(tag);
  const [first, second] = [world.isolate(), world.isolate()];
  expect((await world.read(first)).status).toBe("miss");
  expect((await world.read(second)).status).toBe("hit-redis");
  expect(await world.read(second)).toMatchObject({ status: "hit-memory", value: 1 });
  return { world, first, second };
}

/** After the coherence bound no reader may see the value from before the change. */
async function expectNew(world: World, readers: readonly TestIsolate[], value: number) {
  for (const reader of readers) {
    reader.clock.advance(1_001);
    expect(await world.read(reader)).toMatchObject({ value, unreachable: false });
  }
}

/** The cache works as before: one era, and hits from every tier. */
async function expectRecovered(world: World, readers: readonly TestIsolate[], value: number) {
  for (const reader of readers) {
    expect(await world.read(reader)).toMatchObject({ value, status: "hit-memory" });
    reader.clock.advance(1_001);
    expect(await world.read(reader)).toMatchObject({ value, status: "hit-memory" });
  }
  expect(await world.read(world.isolate())).toMatchObject({ value, status: "hit-redis" });
  expect(new Set(readers.map(world.era)).size).toBe(1);
}

const flush = async (namespace: string): Promise<void> => {
  const keys = await redisCommand<string[]>("KEYS", `${namespace}:*`);
  await redisCommand("DEL", ...keys);
};

describe("a damaged log", () => {
  afterEach(() => void vi.unstubAllGlobals());

  it.each<[string, (world: World) => Promise<unknown>]>([
    ["was flushed with all entries", ({ namespace }) => flush(namespace)],
    ["was evicted without the entries", ({ log }) => redisCommand("DEL", log)],
    [
      "was lost and already has a new era",
      async (world) => {
        await redisCommand("DEL", world.log);
        const other = world.isolate();
        await other.layer.coherence.invalidate(["t:else"], other.request().ctx);
      },
    ],
    [
      "has lost its era",
      async ({ log }) => {
        for (const member of await redisCommand<string[]>("ZRANGE", log, 0, -1))
          if (member.startsWith("!era:")) await redisCommand("ZREM", log, member);
      },
    ],
    [
      "has lost everything but its era",
      async ({ log }) => {
        for (const member of await redisCommand<string[]>("ZRANGE", log, 0, -1))
          if (!member.startsWith("!era:")) await redisCommand("ZREM", log, member);
      },
    ],
  ])(
    "no isolate serves an invalidated value although the invalidation log %s",
    async (_, damage) => {
      const { world, first, second } = await warmWorld();
      const era = world.era(first);
      await world.change();
      await damage(world);

      const fresh = world.isolate();
      await expectNew(world, [first, fresh, second], 2);
      await expectRecovered(world, [first, second, fresh], 2);
      expect(world.era(first)).not.toBe(era);
    },
  );

  it("no isolate serves an invalidated value after the invalidation log has been reset to an earlier state", async () => {
    const { world, first, second } = await warmWorld();
    const era = world.era(first);
    const before = await redisCommand<string>("ZSCORE", world.log, "!seq");
    await world.change();
    // The first isolate has value 2 in all tiers, with the number that is lost next.
    await expectNew(world, [first], 2);
    await world.change();
    await redisCommand("ZADD", world.log, before, "!seq");
    await redisCommand("ZREM", world.log, "t:products");

    // The second isolate has never seen those numbers. The entry in Redis shows it the loss.
    const fresh = world.isolate();
    await expectNew(world, [fresh, first, second], 3);
    await expectRecovered(world, [first, second, fresh], 3);
    expect(world.era(first)).not.toBe(era);
  });

  it("if a Redis replica lacks the latest invalidations, an isolate asks the primary, and the invalidation log keeps its era", async () => {
    const { world, first, second } = await warmWorld();
    const replica = await createReplica(world.namespace);
    await world.change();
    await expectNew(world, [first], 2);
    const era = world.era(first);
    await world.change();
    // From here on a replica from before both changes answers all commands that only read.
    vi.stubGlobal("fetch", replica.fetch);

    await expectNew(world, [first], 3);
    expect(world.era(first)).toBe(era);
    vi.unstubAllGlobals();
    const fresh = world.isolate();
    await expectNew(world, [second, fresh], 3);
    await expectRecovered(world, [first, second, fresh], 3);
    expect(world.era(fresh)).toBe(era);
  });

  it("no isolate serves an invalidated value after its invalidation has been trimmed from the invalidation log", async () => {
    const { world, first, second } = await warmWorld();
    const era = world.era(first);
    await world.change();
    const cron = world.isolate();
    const floor = await cron.layer.store.trim(0, 100_000, cron.request().ctx);
    expect(floor).toMatchObject({ ok: true });
    expect(await redisCommand("ZSCORE", world.log, "t:products")).toBeNull();

    const fresh = world.isolate();
    await expectNew(world, [first, fresh, second], 2);
    await expectRecovered(world, [first, second, fresh], 2);
    expect(world.era(first)).toBe(era);
  });

  it("after each of four losses of the invalidation log, all isolates get a new era and read the current value", async () => {
    const { world, first, second } = await warmWorld();
    const eras = new Set([world.era(first)]);
    for (let value = 2; value < 6; value++) {
      await world.change();
      await redisCommand("DEL", world.log);
      await expectNew(world, [first, second], value);
      eras.add(world.era(first));
    }
    expect(eras.size).toBe(5);
    await expectRecovered(world, [first, second], 5);
  });

  it("isolates that create the invalidation log at the same time get one era and can read each other's entries", async () => {
    const world = createWorld();
    const readers = Array.from({ length: 8 }, () => world.isolate());
    const policy = definePolicy({ freshFor: "10m", flight: "off" });
    await Promise.all(
      readers.map(async (reader, i) => {
        await reader.request().read(`own:${i}`, policy, async () => i);
        await reader.settle();
      }),
    );
    expect(new Set(readers.map(world.era)).size).toBe(1);
    expect(world.era(readers[0]!)).not.toBe("");
    const other = world.isolate();
    for (const i of readers.keys()) {
      const found = await other.request().read(`own:${i}`, policy, async () => -1);
      expect(found).toMatchObject({ status: "hit-redis", value: i });
    }
  });

  it.each(["!seq", "!era:x", "!floor:9007199254740991", "~t:x", "t:", "n:", "__proto__"])(
    "a purge of the hostile tag %j invalidates the entries with this tag, but no other entry, and keeps the era",
    async (tag) => {
      const { world, first, second } = await warmWorld(tag);
      const other = createTestIsolate({ namespace: world.namespace, host: "other.test" });
      const untagged = definePolicy({ freshFor: "10m" });
      await other.request().read("other:1", untagged, async () => "untouched");
      await other.settle();
      const era = world.era(first);

      await world.change();
      const fresh = world.isolate();
      await expectNew(world, [first, fresh, second], 2);
      await expectRecovered(world, [first, second, fresh], 2);

      expect(world.era(first)).toBe(era);
      other.clock.advance(1_001);
      expect(await other.request().read("other:1", untagged, async () => "reloaded")).toMatchObject(
        {
          status: "hit-memory",
          value: "untouched",
        },
      );
    },
  );
});
