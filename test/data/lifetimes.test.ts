import { describe, expect, it } from "vitest";
import { definePolicy, key, type Policy } from "../../src/entries/data.ts";
import {
  createDataIsolate,
  SHARED_STORES,
  STORES,
  type DataIsolate,
} from "../support/data-isolate.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

const KEY = key("n", 1);
const HOUR = definePolicy({ freshFor: "1h", jitter: 0 });
const MINUTE = definePolicy({ freshFor: "1m", jitter: 0 });
const SECOND_MS = 1_000;

async function read(isolate: DataIsolate, policy: Policy, value: unknown) {
  const found = await isolate.open().read(KEY, policy, async () => value);
  await isolate.settle();
  return [found.status, found.value];
}

describe.each(STORES)("lifetimes of stored values with %s", (store) => {
  function createPair(): readonly [DataIsolate, DataIsolate] {
    const [namespace, clock] = [uniqueNamespace(), createTestClock()];
    const one = () => createDataIsolate({ namespace, store, clock });
    return [one(), one()];
  }

  it("a value that was stored for an hour is stale after a minute, in memory and behind it, once the policy says a minute", async () => {
    const [one, other] = createPair();
    await read(one, HOUR, "first");
    one.clock.advance(61 * SECOND_MS);
    expect(await read(one, HOUR, "unused")).toEqual(["hit-memory", "first"]);
    expect(await read(one, MINUTE, "second")).toEqual(["miss", "second"]);
    expect(await read(other, MINUTE, "unused")).toEqual(["hit-edge", "second"]);
  });

  it("an isolate with the shorter policy does not serve the copy that the edge or the store has", async () => {
    const [one, other] = createPair();
    await read(one, HOUR, "first");
    one.clock.advance(61 * SECOND_MS);
    expect(await read(other, MINUTE, "second")).toEqual(["miss", "second"]);
  });

  it("a longer policy does not lengthen the life of a stored value", async () => {
    const [one] = createPair();
    await read(one, MINUTE, "first");
    one.clock.advance(61 * SECOND_MS);
    expect(await read(one, HOUR, "second")).toEqual(["miss", "second"]);
  });

  it("a lifetime that the loader set is not shortened by the policy", async () => {
    const [one] = createPair();
    await one.open().read(KEY, MINUTE, async (load) => {
      load.freshFor("30m");
      return "first";
    });
    one.clock.advance(29 * 60 * SECOND_MS);
    expect(await read(one, MINUTE, "unused")).toEqual(["hit-memory", "first"]);
  });

  it("memory keeps a copy at most as long as its tier limit, and the edge answers after that", async () => {
    const [one] = createPair();
    const policy = definePolicy({ freshFor: "1h", jitter: 0, tiers: { memory: "10s" } });
    await read(one, policy, "first");
    one.clock.advance(9 * SECOND_MS);
    expect(await read(one, policy, "unused")).toEqual(["hit-memory", "first"]);
    one.clock.advance(2 * SECOND_MS);
    expect(await read(one, policy, "unused")).toEqual(["hit-edge", "first"]);
    expect(await read(one, policy, "unused")).toEqual(["hit-memory", "first"]);
    one.clock.advance(11 * SECOND_MS);
    expect(one.open().peek(KEY, policy)).toBeUndefined();
  });

  it("a tier limit does not shorten the lifetime that a value reports, or that of a value made of it", async () => {
    const [one] = createPair();
    const policy = definePolicy({ freshFor: "1h", jitter: 0, tiers: { memory: "10s" } });
    await read(one, policy, "first");
    const cache = one.open();
    const outer = await cache.read(key("outer", 1), HOUR, async (load) =>
      load.read(KEY, policy, async () => "unused").then(({ value }) => value),
    );
    const now = one.clock.now();
    expect((outer.entry?.freshUntil ?? 0) - now).toBeGreaterThan(3_500 * SECOND_MS);
  });
});

describe.each(SHARED_STORES)("the tier limit of the edge before %s", (store) => {
  it("the edge keeps a copy at most as long as its limit, and the shared store answers after that", async () => {
    const [namespace, clock] = [uniqueNamespace(), createTestClock()];
    const one = () => createDataIsolate({ namespace, store, clock });
    const policy = definePolicy({ freshFor: "1h", jitter: 0, tiers: { edge: "1s" } });
    const off = definePolicy({ freshFor: "1h", jitter: 0, tiers: { edge: "100ms" } });
    const fill = one();
    await read(fill, policy, "first");
    expect(await read(one(), policy, "unused")).toEqual(["hit-edge", "first"]);
    const afterwards = async () => (await read(one(), off, "unused"))[0];
    await expect.poll(afterwards, { timeout: 5_000 }).toBe("hit-redis");
  });
});
