import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { watchFlights } from "../support/flights.ts";
import { neverSeen, WINDOW_MS } from "../support/observers.ts";
import { OTHER_COLO } from "../support/shared-world.ts";
import { RACE_STORES, type RaceIsolate, type RaceWorld } from "../support/race-stores.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });

/** The leader and the follower begin before the purge, and the load lands after it. */
async function purgeWhileFollowing(world: RaceWorld, follower: RaceIsolate): Promise<void> {
  const gate = world.origin.holdNext();
  const leading = world.read(world.here, policy);
  await gate.reached;
  const following = world.read(follower, policy);
  // A request of its own to the store has been answered: by then the follower waits.
  await world.hear(follower);
  await world.writeAndPurge("t:products");
  gate.open();
  expect((await leading).value).toBe(1);
  await following;
  await world.settle();
}

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  describe("a value that was purged while a follower in the isolate waited for it", () => {
    neverSeen(store.createWorld, policy, (world) => purgeWhileFollowing(world, world.here));
  });

  describe("a value that was purged while a follower in another isolate waited for it", () => {
    neverSeen(store.createWorld, policy, (world) => purgeWhileFollowing(world, world.neighbour));
  });

  const LATE: Readonly<Record<string, (world: RaceWorld) => RaceIsolate>> = {
    "of the same isolate": (world) => world.here,
    "of another isolate": (world) => world.neighbour,
    "of a new isolate": (world) => world.fresh(OTHER_COLO),
  };

  describe("a reader that begins after a purge", () => {
    for (const [name, pick] of Object.entries(LATE))
      it(`readers ${name} that begin after a purge do not join a load from before the purge, and share one new load`, async () => {
        const flights = watchFlights();
        const world = await store.createWorld({ FLIGHTS: flights.FLIGHTS });
        const gate = world.origin.holdNext();
        const leading = world.read(world.here, policy);
        await gate.reached;
        await world.writeAndPurge("t:products");
        world.clock.advance(WINDOW_MS);

        const isolate = pick(world);
        const joined = flights.joins();
        const late = Array.from({ length: 20 }, () => world.read(isolate, policy));
        await (isolate === world.here ? world.hear(isolate) : flights.joined(joined + 1));
        gate.open();

        expect((await leading).value).toBe(1);
        const lookups = await Promise.all(late);
        expect(lookups.map(({ value }) => value)).toEqual(lookups.map(() => 2));
        expect(world.origin.loads).toBe(2);
      });
  });

  describe("many readers of one key", () => {
    it("200 readers of a cold key in two isolates share one load", async () => {
      const world = await store.createWorld();
      const gate = world.origin.holdNext();
      const herd = Array.from({ length: 200 }, (_, i) =>
        world.read(i % 2 === 0 ? world.here : world.away, policy),
      );
      await gate.reached;
      gate.open();
      const lookups = await Promise.all(herd);
      expect(lookups.map(({ value }) => value)).toEqual(lookups.map(() => 1));
      expect(world.origin.loads).toBe(1);
    });

    it("readers in several isolates that begin after a purge during a load share one second load", async () => {
      const flights = watchFlights();
      const world = await store.createWorld({ FLIGHTS: flights.FLIGHTS });
      const gate = world.origin.holdNext();
      const leading = world.read(world.here, policy);
      await gate.reached;
      await world.writeAndPurge("t:products");
      world.clock.advance(WINDOW_MS);
      const herd = [world.here, world.neighbour, world.away].flatMap((isolate) =>
        Array.from({ length: 20 }, () => world.read(isolate, policy)),
      );
      await flights.joined(3);
      gate.open();
      await leading;
      const lookups = await Promise.all(herd);
      expect(lookups.map(({ value }) => value)).toEqual(lookups.map(() => 2));
      expect(world.origin.loads).toBe(2);
    });
  });

  describe("a stream of purges of other keys", () => {
    it("a stream of purges of other tags during a load of a key causes no second load of the key", async () => {
      const world = await store.createWorld();
      const gate = world.origin.holdNext();
      const readings = [world.read(world.here, policy)];
      await gate.reached;
      for (let i = 0; i < 10; i++) {
        await world.purge(`t:unrelated-${i}`);
        world.clock.advance(300);
        readings.push(world.read(world.here, policy), world.read(world.neighbour, policy));
        await world.hear(world.here);
        await world.hear(world.neighbour);
      }
      gate.open();
      const lookups = await Promise.all(readings);
      expect(lookups.map(({ value }) => value)).toEqual(lookups.map(() => 1));
      expect(world.origin.loads).toBe(1);
    });
  });

  describe("a stream of purges of one key", () => {
    it("a key that is purged again and again has at most one running and one queued load", async () => {
      const flights = watchFlights();
      const world = await store.createWorld({ FLIGHTS: flights.FLIGHTS });
      const gate = world.origin.holdNext();
      const readings = [world.read(world.here, policy)];
      await gate.reached;
      for (let i = 0; i < 5; i++) {
        await world.writeAndPurge("t:products");
        world.clock.advance(300);
        for (const isolate of [world.here, world.neighbour, world.away])
          readings.push(world.read(isolate, policy), world.read(isolate, policy));
      }
      world.clock.advance(WINDOW_MS);
      const late = [world.here, world.neighbour, world.away].map((isolate) =>
        world.read(isolate, policy),
      );
      await flights.joined(3);
      await world.hear(world.here);
      expect(world.origin.loads).toBe(1);
      gate.open();
      await Promise.all(readings);
      for (const { value } of await Promise.all(late)) expect(value).toBe(world.origin.current);
      expect(world.origin.loads).toBe(2);
    });
  });
});
