import { afterEach, describe, expect } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { holdNextEdgeWrite, holdNextRequest, restoreNetwork } from "../support/network.ts";
import { neverSeen } from "../support/observers.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });

afterEach(restoreNetwork);

describe("an edge write of an old value that lands after the purge", () => {
  neverSeen(policy, async (world) => {
    const gate = holdNextEdgeWrite();
    await world.read(world.here, policy);
    await gate.reached;
    await world.writeAndPurge("t:products");
    gate.open();
    await world.settle();
  });
});

describe("a Redis write of an old value that lands after the purge and after a newer load", () => {
  neverSeen(policy, async (world) => {
    const gate = holdNextRequest("strata1");
    await world.read(world.here, policy);
    await gate.reached;
    await world.writeAndPurge("t:products");
    world.clock.advance(1_001);
    const newer = await world.read(world.away, policy);
    expect(newer.value).toBe(2);
    await world.away.settle();
    gate.open();
    await world.settle();
  });
});

describe("what a slow leader loaded before the purge, stored after a newer load", () => {
  const slow = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"], flight: "isolate" });
  neverSeen(slow, async (world) => {
    const gate = world.origin.holdNext();
    const reading = world.read(world.here, slow);
    await gate.reached;
    await world.writeAndPurge("t:products");
    world.clock.advance(1_001);
    expect((await world.read(world.away, slow)).value).toBe(2);
    await world.away.settle();
    gate.open();
    await reading;
    await world.settle();
  });
});
