import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import type { InvalidationKey } from "../../src/core/invalidation-key.ts";
import { neverSeen } from "../support/observers.ts";
import { RACE_STORES, type RaceWorld } from "../support/race-stores.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });

/** A load reads the row, then the row is changed and purged, then the load answers with the old row. */
async function purgeDuringLoad(
  world: RaceWorld,
  member: InvalidationKey,
  hears: boolean,
): Promise<void> {
  const gate = world.origin.holdNext();
  const reading = world.read(world.here, policy);
  await gate.reached;
  await world.writeAndPurge(member);
  if (hears) await world.hear(world.here);
  gate.open();
  // The read began before the purge, so that its own client may have the old row.
  expect((await reading).value).toBe(1);
  await world.settle();
}

const PURGES: Readonly<Record<string, InvalidationKey>> = {
  "a delete by key": "k:product:42",
  "a purge by a tag known before": "t:products",
  "a purge by a tag found only in the result": "t:category:7",
  "a purge by a prefix": "p:product:",
  "a purge of the namespace": "n:",
};

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  for (const [name, member] of Object.entries(PURGES))
    for (const hears of [false, true])
      describe(`a value that a load read before ${name}${hears ? ", known to its isolate," : ""}`, () => {
        neverSeen(store.createWorld, policy, (world) => {
          world.origin.during = (load) => load.tag("category:7");
          return purgeDuringLoad(world, member, hears);
        });
      });

  describe("a purge during a load", () => {
    it("the result of a load is not stored if the isolate learns of a purge during the load", async () => {
      const world = await store.createWorld();
      await purgeDuringLoad(world, "t:products", true);
      const { memory, store: shared } = world.here.layer;
      expect(memory.peek(world.key)).toBeUndefined();
      const read = await shared.read([world.key], 0, world.here.request().ctx);
      expect(read.ok && read.value.found).toEqual([undefined]);
    });
  });
});
