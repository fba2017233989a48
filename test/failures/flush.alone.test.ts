import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { neverSeen, WINDOW_MS } from "../support/observers.ts";
import { RACE_STORES, type RaceStore, type RaceWorld } from "../support/race-stores.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });

async function readEverywhere(world: RaceWorld): Promise<void> {
  for (const isolate of [world.here, world.neighbour, world.away])
    await world.read(isolate, policy);
  await world.settle();
}

/** While a load runs, the row is changed and purged. The store loses everything before or after that. */
async function loseDuringLoad(
  world: RaceWorld,
  store: RaceStore,
  order: "first" | "last",
  hears: boolean,
): Promise<void> {
  const gate = world.origin.holdNext();
  const reading = world.read(world.here, policy);
  await gate.reached;
  if (order === "first") await store.lose(world);
  await world.writeAndPurge("t:products");
  if (order === "last") await store.lose(world);
  if (hears) await world.hear(world.here);
  gate.open();
  await reading;
  await world.settle();
}

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  describe("a value that was stored before the store was lost and then the row purged", () => {
    neverSeen(store.createWorld, policy, async (world) => {
      await readEverywhere(world);
      await store.lose(world);
      await world.writeAndPurge("t:products");
    });
  });

  describe("a value that was stored before the row was purged and then the store lost", () => {
    neverSeen(store.createWorld, policy, async (world) => {
      await readEverywhere(world);
      await world.writeAndPurge("t:products");
      await store.lose(world);
    });
  });

  for (const hears of [false, true]) {
    const known = hears ? ", known to its isolate" : "";
    describe(`a value that a load read before the store was lost and then the row purged${known}`, () => {
      neverSeen(store.createWorld, policy, (world) => loseDuringLoad(world, store, "first", hears));
    });
    describe(`a value that a load read before the row was purged and then the store lost${known}`, () => {
      neverSeen(store.createWorld, policy, (world) => loseDuringLoad(world, store, "last", hears));
    });
  }

  describe("after the store was lost", () => {
    it("after the store has lost everything, all isolates use the same new era of the invalidation log and share entries again", async () => {
      const world = await store.createWorld();
      await readEverywhere(world);
      await store.lose(world);
      world.clock.advance(WINDOW_MS);
      const isolates = [world.here, world.neighbour, world.away, world.fresh()];
      await Promise.all(isolates.map((isolate) => world.read(isolate, policy)));
      await world.settle();
      await Promise.all(isolates.map((isolate) => world.hear(isolate)));
      const eras = isolates.map(({ layer }) => layer.coherence.logPosition().era);
      expect(new Set(eras).size).toBe(1);

      const { loads } = world.origin;
      expect((await world.read(world.fresh(), policy)).status).toMatch(/^hit-/);
      expect(world.origin.loads).toBe(loads);
    });
  });
});
