import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { neverSeen, WINDOW_MS } from "../support/observers.ts";
import { RACE_STORES, type RaceWorld } from "../support/race-stores.ts";

const policy = definePolicy({
  freshFor: "1m",
  staleWhileRevalidate: "10m",
  staleIfError: "10m",
  jitter: 0,
  tags: ["products"],
});

/** A value is served stale. Its refresh reads the row, and then the row is changed and purged. */
async function purgeDuringRefresh(world: RaceWorld, hears: boolean): Promise<void> {
  await world.read(world.here, policy);
  await world.settle();
  world.clock.advance(60_001);

  const gate = world.origin.holdNext();
  const stale = await world.read(world.here, policy);
  expect(stale).toMatchObject({ status: "stale", value: 1 });
  await gate.reached;
  await world.writeAndPurge("t:products");
  if (hears) await world.hear(world.here);
  gate.open();
  await world.settle();
}

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  for (const hears of [false, true])
    describe(`a value that a refresh read before a purge${hears ? ", known to its isolate," : ""}`, () => {
      neverSeen(store.createWorld, policy, (world) => purgeDuringRefresh(world, hears));
    });

  describe("a stale value that is purged", () => {
    it("a stale value that was purged is not served if the origin fails", async () => {
      const world = await store.createWorld();
      await world.read(world.here, policy);
      await world.settle();
      world.clock.advance(60_001);
      await world.writeAndPurge("t:products");
      world.clock.advance(WINDOW_MS);
      world.origin.failing = new Error("the origin is away");

      for (const isolate of [world.here, world.neighbour, world.away, world.fresh()])
        await expect(world.read(isolate, policy)).rejects.toThrow("the origin is away");
    });
  });
});
