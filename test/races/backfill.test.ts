import { afterEach, describe } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { holdNextAnswer, holdNextEdgeWrite, restoreNetwork } from "../support/network.ts";
import { neverSeen } from "../support/observers.ts";
import type { World } from "../support/shared-world.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });

afterEach(restoreNetwork);

async function purgeBeforeMemory(world: World, hears: boolean): Promise<void> {
  await world.read(world.away, policy);
  await world.settle();

  const gate = holdNextAnswer(world.key);
  const reading = world.read(world.here, policy);
  await gate.reached;
  await world.writeAndPurge("t:products");
  if (hears) await world.hear(world.here);
  gate.open();
  await reading;
  await world.settle();
}

describe("an entry that Redis sent before a purge and that memory stores after it", () => {
  neverSeen(policy, (world) => purgeBeforeMemory(world, false));
});

describe("an entry that Redis sent before a purge and that memory stores after its isolate learned of the purge", () => {
  neverSeen(policy, (world) => purgeBeforeMemory(world, true));
});

describe("an entry that was read from Redis before a purge and that the edge stores after it", () => {
  neverSeen(policy, async (world) => {
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
