import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { redisCommand } from "../support/gateway.ts";
import { neverSeen, WINDOW_MS } from "../support/observers.ts";
import { createWorld, type World } from "../support/shared-world.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });

async function readEverywhere(world: World): Promise<void> {
  for (const isolate of [world.here, world.neighbour, world.away])
    await world.read(isolate, policy);
  await world.settle();
}

describe("a value that was stored before Redis was flushed and then the row purged", () => {
  neverSeen(createWorld, policy, async (world) => {
    await readEverywhere(world);
    await redisCommand("FLUSHALL");
    await world.writeAndPurge("t:products");
  });
});

describe("a value that was stored before the row was purged and then Redis flushed", () => {
  neverSeen(createWorld, policy, async (world) => {
    await readEverywhere(world);
    await world.writeAndPurge("t:products");
    await redisCommand("FLUSHALL");
  });
});

/** While a load runs, the row is changed and purged. Redis is flushed before or after that. */
async function flushDuringLoad(
  world: World,
  order: "first" | "last",
  hears: boolean,
): Promise<void> {
  const gate = world.origin.holdNext();
  const reading = world.read(world.here, policy);
  await gate.reached;
  if (order === "first") await redisCommand("FLUSHALL");
  await world.writeAndPurge("t:products");
  if (order === "last") await redisCommand("FLUSHALL");
  if (hears) await world.hear(world.here);
  gate.open();
  await reading;
  await world.settle();
}

for (const hears of [false, true]) {
  const known = hears ? ", known to its isolate" : "";
  describe(`a value that a load read before Redis was flushed and then the row purged${known}`, () => {
    neverSeen(createWorld, policy, (world) => flushDuringLoad(world, "first", hears));
  });
  describe(`a value that a load read before the row was purged and then Redis flushed${known}`, () => {
    neverSeen(createWorld, policy, (world) => flushDuringLoad(world, "last", hears));
  });
}

describe("after Redis was flushed", () => {
  it("after Redis is flushed, all isolates use the same new era of the invalidation log and share entries again", async () => {
    const world = await createWorld();
    await readEverywhere(world);
    await redisCommand("FLUSHALL");
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
