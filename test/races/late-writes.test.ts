import { afterEach, describe, expect } from "vitest";
import { definePolicy, type Policy } from "../../src/index.ts";
import type { Gate } from "../support/gate.ts";
import { holdNextEdgeWrite, holdNextRequest, restoreNetwork } from "../support/network.ts";
import { neverSeen, WINDOW_MS } from "../support/observers.ts";
import type { World } from "../support/shared-world.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });
const alone = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"], flight: "isolate" });

afterEach(restoreNetwork);

/** While the gate is shut, the row is changed and purged, and another isolate loads the new row. */
async function newerLoad(world: World, how: Policy, gate: Gate): Promise<void> {
  await gate.reached;
  await world.writeAndPurge("t:products");
  world.clock.advance(WINDOW_MS);
  expect((await world.read(world.away, how)).value).toBe(2);
  await world.away.settle();
  gate.open();
}

describe("an old value that the edge stores after the purge", () => {
  neverSeen(policy, async (world) => {
    const gate = holdNextEdgeWrite();
    await world.read(world.here, policy);
    await gate.reached;
    await world.writeAndPurge("t:products");
    gate.open();
    await world.settle();
  });
});

describe("an old value that Redis stores after the purge and after a newer load", () => {
  neverSeen(policy, async (world) => {
    const gate = holdNextRequest("strata1");
    await world.read(world.here, policy);
    await newerLoad(world, policy, gate);
    await world.settle();
  });
});

describe("an old value that a slow leader stores after the purge and after a newer load", () => {
  neverSeen(alone, async (world) => {
    const gate = world.origin.holdNext();
    const reading = world.read(world.here, alone);
    await newerLoad(world, alone, gate);
    await reading;
    await world.settle();
  });
});
