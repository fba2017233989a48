import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { key } from "../../src/core/key.ts";
import { decodeFilter, encodeFilter } from "../../src/core/existence-filter.ts";
import type { FilterStore } from "../../src/core/existence-filter.ts";
import { createExistence, type Existence } from "../../src/engine/existence.ts";
import { newHashKey } from "../../src/platform.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createFilterStore } from "../../src/redis/filter-store.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";

const keyOf = (id: number) => key("product", id);
const redis = createRedis({
  url: env.UPSTASH_REDIS_REST_URL,
  token: env.UPSTASH_REDIS_REST_TOKEN,
  timeoutMs: 5_000,
});

interface Shop {
  readonly namespace: string;
  readonly filters: FilterStore;
  readonly ids: Set<number>;
}

const openShop = (ids: readonly number[] = [1, 2, 3]): Shop => {
  const namespace = uniqueNamespace();
  return { namespace, filters: createFilterStore(redis, namespace), ids: new Set(ids) };
};

interface Reader {
  readonly isolate: TestIsolate;
  readonly existence: Existence;
  /** The answer of the filter at once. */
  ask(id: number): Promise<boolean>;
  /** The answer of the filter after the isolate has loaded it. */
  mayExist(id: number): Promise<boolean>;
  build(): Promise<unknown>;
}

function open(
  { namespace, filters, ids }: Shop,
  host = "colo-a",
  listed = async () => [...ids].map(keyOf),
): Reader {
  const isolate = createTestIsolate({ namespace, host });
  const { store, coherence } = isolate.layer;
  const existence = createExistence({
    filters,
    store,
    coherence,
    newSeed: newHashKey,
    // So low that no test meets a false positive.
    rate: 1e-6,
    coherenceMs: 1_000,
    rebuildMs: 60_000,
    maxAgeMs: 3_600_000,
    reloadMs: 60_000,
  });
  existence.define({ name: "product", listKeys: listed });
  const ask = (id: number) =>
    existence.mayExist("product", keyOf(id), [`product:${id}`], isolate.request().ctx);
  return {
    isolate,
    existence,
    ask,
    async mayExist(id) {
      await ask(id);
      existence.missed("product", isolate.request().ctx);
      await isolate.settle();
      return ask(id);
    },
    build: async () => (await existence.buildAll(isolate.request().ctx)).get("product"),
  };
}

const purge = ({ isolate }: Reader, logKey: LogKey) =>
  isolate.layer.coherence.invalidate([logKey], isolate.request().ctx);

const insert = async ({ isolate }: Reader, { ids }: Shop, id: number) => {
  ids.add(id);
  const { ctx } = isolate.request();
  expect(await isolate.layer.coherence.invalidate([`t:product:${id}`], ctx)).toMatchObject({
    ok: true,
  });
};

describe("an existence filter", () => {
  it("an existence filter built from the ids 1, 2 and 3 reports id 4 as missing, and the ids 1 and 3 as possibly present", async () => {
    const shop = openShop();
    const reader = open(shop);
    expect(await reader.build()).toEqual({ ok: true, value: "built" });
    expect(await reader.mayExist(1)).toBe(true);
    expect(await reader.mayExist(3)).toBe(true);
    expect(await reader.mayExist(4)).toBe(false);
  });

  it("an existence filter also reports a missing id as missing to an isolate that did not build the filter", async () => {
    const shop = openShop();
    await open(shop).build();
    const other = open(shop, "colo-b");
    expect(await other.mayExist(2)).toBe(true);
    expect(await other.mayExist(9)).toBe(false);
  });

  it("an isolate does not load an existence filter while none of its lookups has found a key missing", async () => {
    const shop = openShop();
    await open(shop).build();
    const { existence, isolate } = open(shop, "colo-b");
    const ask = () => existence.mayExist("product", keyOf(9), [], isolate.request().ctx);
    for (let n = 0; n < 3; n++) expect(await ask()).toBe(true);
    await isolate.settle();
    expect(await ask()).toBe(true);
  });

  it("without an existence filter, an id that does not exist is reported as possibly present", async () => {
    expect(await open(openShop()).mayExist(9)).toBe(true);
  });

  it("an existence filter does not report an id as missing that was inserted after the filter was built", async () => {
    const shop = openShop();
    const [writer, early] = [open(shop), open(shop, "colo-b")];
    await writer.build();
    expect(await early.mayExist(5)).toBe(false);

    await insert(writer, shop, 5);
    early.isolate.clock.advance(1_001);
    expect(await early.mayExist(5)).toBe(true);
    expect(await early.mayExist(6)).toBe(false);
    const late = open(shop, "colo-c");
    expect(await late.mayExist(5)).toBe(true);
    expect(await late.mayExist(6)).toBe(false);
  });

  it("an existence filter does not report an id as missing that the same isolate has just written", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    expect(await reader.mayExist(5)).toBe(false);
    reader.isolate.layer.coherence.markInvalidated(["t:product:5"]);
    expect(await reader.mayExist(5)).toBe(true);
  });

  it("an existence filter does not report an id as missing that was inserted while the filter was being built", async () => {
    const shop = openShop();
    const reader = open(shop);
    const { existence, isolate } = reader;
    existence.define({
      name: "raced",
      async listKeys() {
        const listed = [...shop.ids].map(keyOf);
        await insert(reader, shop, 7);
        return listed;
      },
    });
    await existence.buildAll(isolate.request().ctx);
    const other = open(shop, "colo-b");
    const ask = (id: number) =>
      other.existence.mayExist("raced", keyOf(id), [`product:${id}`], other.isolate.request().ctx);
    other.existence.missed("raced", other.isolate.request().ctx);
    await other.isolate.settle();
    expect(await ask(7)).toBe(true);
    expect(await ask(8)).toBe(false);
  });

  it("an existence filter no longer reports an id as missing after a purge of the prefix of its keys or a purge of everything", async () => {
    for (const member of ["p:product:", "n:"] as const) {
      const shop = openShop();
      const reader = open(shop);
      await reader.build();
      expect(await reader.mayExist(9)).toBe(false);
      await purge(reader, member);
      expect(await reader.ask(9)).toBe(true);
    }
  });

  it("after the invalidation log was lost, an existence filter reports a missing id as possibly present until the filter is built again", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    expect(await reader.mayExist(9)).toBe(false);
    await redis.del(`${shop.namespace}:inv`);
    reader.isolate.clock.advance(1_001);
    expect(await reader.mayExist(9)).toBe(true);
    expect(await reader.build()).toEqual({ ok: true, value: "built" });
    reader.isolate.clock.advance(10_000);
    expect(await reader.mayExist(9)).toBe(false);
  });

  it("an existence filter that is older than the option `maxAgeMs` reports a missing id as possibly present", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    expect(await reader.mayExist(9)).toBe(false);
    reader.isolate.clock.advance(3_600_001);
    expect(await reader.mayExist(9)).toBe(true);
  });

  it("an existence filter reports a missing id as possibly present if one response cannot carry all later changes of the invalidation log", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    const members = Array.from({ length: 1_100 }, (_, n) => `t:other:${n}` as const);
    await reader.isolate.layer.coherence.invalidate(members, reader.isolate.request().ctx);
    expect(await open(shop, "colo-b").mayExist(9)).toBe(true);
  });

  it.each([
    ["truncated", (text: string) => text.slice(0, -4)],
    ["foreign text", () => "hello"],
    ["without a header", (text: string) => text.replace(/\{.*\}/, "{}")],
  ])(
    "an existence filter whose stored text is %s reports a missing id as possibly present",
    async (_, spoil) => {
      const shop = openShop();
      const reader = open(shop);
      await reader.build();
      const { ctx } = reader.isolate.request();
      const stored = await shop.filters.load("product", ctx);
      const text = stored.ok ? (stored.value ?? "") : "";
      expect(decodeFilter(text)).toBeDefined();
      await shop.filters.save("product", spoil(text), 60_000, ctx);
      expect(await reader.mayExist(9)).toBe(true);
    },
  );

  it("an existence filter is not built again before the time in the option `rebuildMs` has passed", async () => {
    const reader = open(openShop());
    await reader.build();
    expect(await reader.build()).toEqual({ ok: true, value: "young" });
    reader.isolate.clock.advance(60_001);
    expect(await reader.build()).toEqual({ ok: true, value: "built" });
  });

  it("an existence filter is not built if listing the keys failed", async () => {
    const reader = open(openShop());
    reader.existence.define({
      name: "broken",
      listKeys: () => Promise.reject(new Error("the origin is away")),
    });
    const results = await reader.existence.buildAll(reader.isolate.request().ctx);
    expect(results.get("broken")).toMatchObject({ ok: false });
    expect(results.get("product")).toMatchObject({ ok: true });
  });

  it("an encoded existence filter decodes to the same filter", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    const stored = await shop.filters.load("product", reader.isolate.request().ctx);
    const filter = stored.ok ? decodeFilter(stored.value ?? "") : undefined;
    expect(filter?.count).toBe(3);
    expect(filter && encodeFilter(filter)).toBe(stored.ok ? stored.value : "");
  });

  it("an existence filter in format version 1 reports a missing id as possibly present, and the next build replaces it", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    const { ctx } = reader.isolate.request();
    const stored = await shop.filters.load("product", ctx);
    const old = (stored.ok ? (stored.value ?? "") : "").replace("exists2", "exists1");
    await shop.filters.save("product", old, 60_000, ctx);
    const other = open(shop, "colo-b");
    expect(await other.mayExist(9)).toBe(true);
    expect(await other.build()).toEqual({ ok: true, value: "built" });
    expect(await open(shop, "colo-c").mayExist(9)).toBe(false);
  });

  it("each build of an existence filter uses a different hash seed", async () => {
    const shop = openShop();
    const reader = open(shop);
    const seeds = new Set<string>();
    for (let n = 0; n < 3; n++) {
      await reader.build();
      const stored = await shop.filters.load("product", reader.isolate.request().ctx);
      seeds.add(JSON.stringify(decodeFilter(stored.ok ? (stored.value ?? "") : "")?.bloom.seed));
      reader.isolate.clock.advance(60_001);
    }
    expect(seeds.size).toBe(3);
  });
});

/** Isolates that have loaded the filter of one shop, and how often a filter was built of its keys. */
async function openChain() {
  const shop = openShop();
  const count = { builds: 0 };
  const list = async () => {
    count.builds++;
    return [...shop.ids].map(keyOf);
  };
  const isolates = ["colo-a", "colo-a", "colo-b", "colo-c"].map((host) => open(shop, host, list));
  const [first = open(shop)] = isolates;
  await first.build();
  for (const isolate of isolates) expect(await isolate.mayExist(9)).toBe(false);
  count.builds = 0;
  return { shop, isolates, first, count, claim: `${shop.namespace}:exists:product:claim` };
}

describe("an existence filter that a purge has outdated", () => {
  it.each<LogKey>(["n:", "p:product:", "~n:"])(
    "after an invalidation of `%s`, the existence filters of all isolates report a missing id as missing again within 4 seconds, and one isolate lists the keys once",
    async (logKey) => {
      const { isolates, first, count } = await openChain();
      await purge(first, logKey);
      for (const { isolate } of isolates) isolate.clock.advance(1_001);
      for (const isolate of isolates) expect(await isolate.ask(9)).toBe(true);
      for (const { isolate } of isolates) {
        await isolate.settle();
        isolate.clock.advance(2_001);
      }
      for (const isolate of isolates) await isolate.ask(9);
      for (const { isolate } of isolates) await isolate.settle();
      for (const isolate of isolates) {
        expect(await isolate.ask(9)).toBe(false);
        expect(await isolate.ask(2)).toBe(true);
      }
      expect(count.builds).toBe(1);
    },
  );

  it("after a purge of everything, 200 made-up ids let one isolate list the keys once", async () => {
    const { first, count } = await openChain();
    await purge(first, "n:");
    const asked = Array.from({ length: 200 }, (_, id) => first.ask(1_000 + id));
    expect((await Promise.all(asked)).every(Boolean)).toBe(true);
    await first.isolate.settle();
    expect(count.builds).toBe(1);
    const later = Array.from({ length: 200 }, (_, id) => first.ask(2_000 + id));
    expect((await Promise.all(later)).some(Boolean)).toBe(false);
  });

  it("an existence filter that purges outdate again and again is built at most once in 10 seconds by all isolates", async () => {
    const { isolates, first, count, claim } = await openChain();
    for (let round = 0; round < 5; round++) {
      await purge(first, "n:");
      for (const isolate of isolates) {
        isolate.isolate.clock.advance(2_001);
        await isolate.ask(9);
        await isolate.isolate.settle();
      }
    }
    expect(count.builds).toBe(1);
    expect(await redis.pttl(claim)).toBeGreaterThan(0);
    expect(await redis.pttl(claim)).toBeLessThanOrEqual(10_000);
    // The claim ends by itself.
    await redis.del(claim);
    first.isolate.clock.advance(2_001);
    await first.ask(9);
    await first.isolate.settle();
    expect(count.builds).toBe(2);
    expect(await first.ask(9)).toBe(false);
  });

  it("a build of an existence filter that the platform has ended is made by another isolate after its claim has ended", async () => {
    const { shop, isolates, claim } = await openChain();
    const stuck = open(shop, "colo-d", () => new Promise<never>(() => undefined));
    expect(await stuck.mayExist(9)).toBe(false);
    await purge(stuck, "n:");
    void stuck.ask(9);
    await expect.poll(() => redis.exists(claim)).toBe(1);
    const [, other = stuck] = isolates;
    other.isolate.clock.advance(2_001);
    expect(await other.ask(9)).toBe(true);
    await other.isolate.settle();
    expect(await other.ask(9)).toBe(true);
    await redis.del(claim);
    other.isolate.clock.advance(2_001);
    await other.ask(9);
    await other.isolate.settle();
    expect(await other.ask(9)).toBe(false);
  });

  it("an insert of one key builds no existence filter anew", async () => {
    const { shop, first, count } = await openChain();
    await insert(first, shop, 9);
    expect(await first.ask(9)).toBe(true);
    await first.isolate.settle();
    expect(count.builds).toBe(0);
  });
});

describe("the load of an existence filter", () => {
  it("a load of an existence filter that never ends is replaced after 10 seconds", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    const { load } = shop.filters;
    let loads = 0;
    const filters: FilterStore = {
      ...shop.filters,
      load: (...args) => (++loads === 1 ? new Promise(() => undefined) : load(...args)),
    };
    const hindered = open({ ...shop, filters }, "colo-b");
    const { existence, isolate } = hindered;
    const miss = () => existence.missed("product", isolate.request().ctx);
    miss();
    isolate.clock.advance(9_000);
    miss();
    expect(loads).toBe(1);
    isolate.clock.advance(1_001);
    miss();
    await expect.poll(() => hindered.ask(9)).toBe(false);
    expect(loads).toBe(2);
  });
});
