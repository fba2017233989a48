import { afterEach, describe } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { holdNextEdgeWrite } from "../support/network.ts";
import { neverSeen } from "../support/observers.ts";
import { RACE_STORES, type RaceStore, type RaceWorld } from "../support/race-stores.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });

async function purgeBeforeMemory(
  store: RaceStore,
  world: RaceWorld,
  hears: boolean,
): Promise<void> {
  await world.read(world.away, policy);
  await world.settle();

  const gate = store.holdNextAnswer(world.key);
  const reading = world.read(world.here, policy);
  await gate.reached;
  await world.writeAndPurge("t:products");
  if (hears) await world.hear(world.here);
  gate.open();
  await reading;
  await world.settle();
}

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  afterEach(store.restore);

  describe("an entry that the shared store sent before a purge and that memory stores after it", () => {
    neverSeen(store.createWorld, policy, (world) => purgeBeforeMemory(store, world, false));
  });

  describe("an entry that the shared store sent before a purge and that memory stores after its isolate learned of the purge", () => {
    neverSeen(store.createWorld, policy, (world) => purgeBeforeMemory(store, world, true));
  });

  describe("an entry that was read from the shared store before a purge and that the edge stores after it", () => {
    neverSeen(store.createWorld, policy, async (world) => {
      await world.read(world.away, policy);
      await world.settle();

      const gate = holdNextEdgeWrite();
      await world.read(world.here, policy);
      await gate.reached;
      await world.writeAndPurge("t:products");
      gate.open();
      await world.settle();
    });
  });
});
