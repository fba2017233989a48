import { afterEach, describe, expect } from "vitest";
import { definePolicy, type Policy } from "../../src/index.ts";
import type { Gate } from "../support/gate.ts";
import { holdNextEdgeWrite } from "../support/network.ts";
import { neverSeen, WINDOW_MS } from "../support/observers.ts";
import { RACE_STORES, type RaceWorld } from "../support/race-stores.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });
const alone = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"], flight: "isolate" });

/** While the gate is shut, the row is changed and purged, and another isolate loads the new row. */
async function newerLoad(world: RaceWorld, how: Policy, gate: Gate): Promise<void> {
  await gate.reached;
  await world.writeAndPurge("t:products");
  world.clock.advance(WINDOW_MS);
  expect((await world.read(world.away, how)).value).toBe(2);
  await world.away.settle();
  gate.open();
}

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  afterEach(store.restore);

  describe("an old value that the edge stores after the purge", () => {
    neverSeen(store.createWorld, policy, async (world) => {
      const gate = holdNextEdgeWrite();
      await world.read(world.here, policy);
      await gate.reached;
      await world.writeAndPurge("t:products");
      gate.open();
      await world.settle();
    });
  });

  describe("an old value that the shared store stores after the purge and after a newer load", () => {
    neverSeen(store.createWorld, policy, async (world) => {
      const gate = store.holdNextRequest("strata1");
      await world.read(world.here, policy);
      await newerLoad(world, policy, gate);
      await world.settle();
    });
  });

  describe("an old value that a slow leader stores after the purge and after a newer load", () => {
    neverSeen(store.createWorld, alone, async (world) => {
      const gate = world.origin.holdNext();
      const reading = world.read(world.here, alone);
      await newerLoad(world, alone, gate);
      await reading;
      await world.settle();
    });
  });
});
