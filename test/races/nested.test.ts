import { describe, expect, it } from "vitest";
import type { InvalidationKey } from "../../src/core/invalidation-key.ts";
import { definePolicy, key } from "../../src/index.ts";
import { createGate, type Gate } from "../support/gate.ts";
import { neverSeen, WINDOW_MS } from "../support/observers.ts";
import { RACE_STORES, type RaceIsolate, type RaceWorld } from "../support/race-stores.ts";

const page = key("page", "front");
const inner = definePolicy({ freshFor: "5m", jitter: 0, tags: ["products"] });
const outer = definePolicy({ freshFor: "10m", jitter: 0, tags: ["pages"] });
/** Without the shared store, so that a load begins with the log view that its isolate had before. */
const local = definePolicy({
  freshFor: "10m",
  jitter: 0,
  tags: ["pages"],
  tiers: ["memory", "edge"],
});

/** Reads a page that is made of the product. The gate holds the page back after it has read the product. */
function readPage(world: RaceWorld, isolate: RaceIsolate, gate?: Gate, policy = outer) {
  return isolate.request().read<number>(page, policy, async (load) => {
    const { value } = await load.read(world.key, inner, world.origin.load);
    await gate?.pass();
    return value;
  });
}

/** The product is changed and purged while the page is loaded. */
async function purgeWhileBuilding(
  world: RaceWorld,
  member: InvalidationKey,
  hears: boolean,
): Promise<void> {
  const gate = createGate();
  const building = readPage(world, world.here, gate);
  await gate.reached;
  await world.writeAndPurge(member);
  if (hears) await world.hear(world.here);
  gate.open();
  expect((await building).value).toBe(1);
  await world.settle();
}

/** Memory may answer for one more coherence window, and the page is made of that answer. */
async function buildOfOld(world: RaceWorld): Promise<void> {
  await world.read(world.here, inner);
  await world.settle();
  await world.writeAndPurge("t:products");
  expect((await readPage(world, world.here, undefined, local)).value).toBe(1);
  await world.settle();
}

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  for (const member of ["t:products", "k:product:42", "p:product:"] as const)
    for (const hears of [false, true])
      describe(`a page whose part was purged by ${member} during its load${hears ? ", known to its isolate" : ""}`, () => {
        neverSeen(store.createWorld, readPage, (world) => purgeWhileBuilding(world, member, hears));
      });

  describe("a page made of a value that was purged elsewhere a moment ago", () => {
    const read = (world: RaceWorld, isolate: RaceIsolate) =>
      readPage(world, isolate, undefined, local);
    neverSeen(store.createWorld, read, (world) => buildOfOld(world));
  });

  describe("a page whose part is purged long after its load", () => {
    neverSeen(store.createWorld, readPage, async (world) => {
      for (const isolate of [world.here, world.neighbour, world.away])
        await readPage(world, isolate);
      await world.settle();
      await world.writeAndPurge("k:product:42");
    });
  });

  describe("a follower of a load of a page", () => {
    it("a follower of a shared load does not get a page of which a part was purged more than a coherence window before the follower's read", async () => {
      const world = await store.createWorld();
      world.clock.stop();
      await world.read(world.here, inner);
      await world.settle();
      await world.hear(world.here);
      await world.writeAndPurge("t:products");
      // Before the instant at which the isolate syncs in the background.
      world.clock.advance(700);
      const gate = createGate();
      const building = readPage(world, world.here, gate, local);
      await gate.reached;
      world.clock.advance(900);

      const late = [world.fresh(), world.neighbour].map((isolate) =>
        readPage(world, isolate, undefined, local),
      );
      for (const isolate of [world.here, world.neighbour]) await world.hear(isolate);
      gate.open();
      expect((await building).value).toBe(1);
      for (const { value } of await Promise.all(late)) expect(value).toBe(2);
    });
  });

  describe("an entry that is made of another", () => {
    it("an entry whose loader read another entry has the tags of both entries, the shorter lifetime, and the log position up to which the other entry is known to be valid", async () => {
      const world = await store.createWorld();
      const part = await world.read(world.here, inner);
      await world.settle();
      await world.purge("t:unrelated");
      world.clock.advance(WINDOW_MS);
      await world.hear(world.here);

      const whole = (await readPage(world, world.here)).entry;
      expect(whole?.invalidationKeys).toEqual(
        expect.arrayContaining([
          "t:pages",
          "t:products",
          "k:page:front",
          "k:product:42",
          "p:product:",
        ]),
      );
      expect(whole?.freshUntil).toBe(part.entry?.freshUntil);
      expect(whole?.asOf).toBe(world.here.layer.coherence.logPosition().asOf);
      expect(whole?.asOf).toBeGreaterThan(part.entry?.asOf ?? Infinity);
    });

    it("an entry that is made of two others is stored again after one of the two was purged, although the other one is older than the purge", async () => {
      const world = await store.createWorld();
      const other = definePolicy({ freshFor: "5m", jitter: 0, tags: ["prices"] });
      const readBoth = () =>
        world.here.request().read<number>(page, outer, async (load) => {
          const { value = 0 } = await load.read(key("price", 1), other, async () => 1);
          return value + ((await load.read(world.key, inner, world.origin.load)).value ?? 0);
        });
      expect((await readBoth()).value).toBe(2);
      await world.settle();
      await world.writeAndPurge("t:products");
      world.clock.advance(WINDOW_MS);
      expect(await readBoth()).toMatchObject({ status: "miss", value: 3 });
      await world.settle();
      expect(await readBoth()).toMatchObject({ status: "hit-memory", value: 3 });
    });

    it("an entry that is made of one which was purged elsewhere a moment ago is invalid once its isolate knows of the purge", async () => {
      const world = await store.createWorld();
      await world.read(world.here, inner);
      await world.settle();
      await world.writeAndPurge("t:products");
      expect((await readPage(world, world.here, undefined, local)).value).toBe(1);
      await world.purge("t:unrelated");
      await world.hear(world.here);
      expect((await readPage(world, world.here, undefined, local)).value).toBe(2);
    });

    it("an entry that is made of an uncacheable value is not stored", async () => {
      const world = await store.createWorld();
      const read = (isolate: RaceIsolate) =>
        isolate.request().read<number>(page, outer, async (load) => {
          const part = await load.read(world.key, inner, async (deeper) => {
            deeper.noStore();
            return world.origin.load(deeper);
          });
          return part.value;
        });
      expect((await read(world.here)).status).toBe("bypass");
      world.origin.write();
      expect((await read(world.here)).value).toBe(2);
      expect((await read(world.neighbour)).value).toBe(2);
    });
  });
});
