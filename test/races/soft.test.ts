import { describe, expect, it } from "vitest";
import { definePolicy, type Policy } from "../../src/index.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { OTHER_COLO } from "../support/shared-world.ts";
import { RACE_STORES, type RaceIsolate, type RaceWorld } from "../support/race-stores.ts";

const patient = definePolicy({
  freshFor: "10m",
  staleWhileRevalidate: "10m",
  jitter: 0,
  tags: ["products"],
});

async function softPurge(world: RaceWorld, policy: Policy): Promise<void> {
  for (const isolate of [world.here, world.neighbour, world.away])
    await world.read(isolate, policy);
  await world.settle();
  await world.writeAndPurge("~t:products");
  world.clock.advance(WINDOW_MS);
}

const READERS: Readonly<Record<string, (world: RaceWorld) => RaceIsolate>> = {
  "from memory": (world) => world.here,
  "from the edge, by a new isolate": (world) => world.fresh(),
  "from the shared store, by a new isolate": (world) => world.fresh(OTHER_COLO),
  "from memory, by another data centre": (world) => world.away,
};

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  describe("a soft purge", () => {
    for (const [name, pick] of Object.entries(READERS))
      it(`after a soft purge, an entry ${name} is served stale once and refreshed`, async () => {
        const world = await store.createWorld();
        await softPurge(world, patient);
        const isolate = pick(world);

        expect(await world.read(isolate, patient)).toMatchObject({ status: "stale", value: 1 });
        await world.settle();
        expect(await world.read(isolate, patient)).toMatchObject({
          status: "hit-memory",
          value: 2,
        });
        expect(world.origin.loads).toBe(2);
      });

    it("after a soft purge, all readers of an entry share one refresh", async () => {
      const world = await store.createWorld();
      await softPurge(world, patient);
      const gate = world.origin.holdNext();
      const isolates = [world.here, world.neighbour, world.away, world.fresh()];
      const stale = await Promise.all(
        isolates.flatMap((isolate) => [world.read(isolate, patient), world.read(isolate, patient)]),
      );
      expect(stale.map(({ status }) => status)).toEqual(stale.map(() => "stale"));
      gate.open();
      await world.settle();
      expect(world.origin.loads).toBe(2);
      for (const isolate of isolates) expect((await world.read(isolate, patient)).value).toBe(2);
    });

    it("after a soft purge, a read whose policy has no stale window loads a new value", async () => {
      const strict = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });
      const world = await store.createWorld();
      await softPurge(world, strict);
      for (const isolate of [world.here, world.neighbour, world.away, world.fresh()])
        expect((await world.read(isolate, strict)).value).toBe(2);
      expect(world.origin.loads).toBe(2);
    });

    it("after a soft purge, an entry is served stale if the origin fails and the policy has the option `staleIfError`", async () => {
      const lenient = definePolicy({
        freshFor: "10m",
        staleIfError: "10m",
        jitter: 0,
        tags: ["products"],
      });
      const world = await store.createWorld();
      await softPurge(world, lenient);
      world.origin.failing = new Error("the origin is away");
      for (const isolate of [world.here, world.away, world.fresh()])
        expect(await world.read(isolate, lenient)).toMatchObject({
          status: "stale-on-error",
          value: 1,
        });
    });
  });
});
