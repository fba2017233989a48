import { describe, expect, it } from "vitest";
import { CacheUnavailable, definePolicy } from "../../src/index.ts";
import { watchFlights } from "../support/flights.ts";
import { createGate } from "../support/gate.ts";
import { createRows, users, values } from "../support/rows.ts";
import { RACE_STORES } from "../support/race-stores.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, originTimeout: "10s" });
const swr = definePolicy({ freshFor: "1m", staleWhileRevalidate: "10m", jitter: 0 });
const TEN = users(...Array.from({ length: 10 }, (_, i) => i));

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  describe("batches of several isolates", () => {
    it("twenty cold isolates that call readMany() for the same ten keys load each key once", async () => {
      const world = await store.createWorld();
      const rows = createRows();
      const isolates = Array.from({ length: 20 }, (_, i) => world.fresh(`colo-${i}.test`));
      const found = await Promise.all(
        isolates.map((isolate) => rows.read(isolate, TEN, { how: policy })),
      );
      for (const lookups of found) expect(values(lookups)).toEqual(TEN.map(() => 1));
      expect(rows.calls.flat().toSorted()).toEqual(TEN);
    });

    it("readMany() loads its own keys with one call at once and waits for the key that another isolate loads", async () => {
      const world = await store.createWorld();
      const rows = createRows();
      const [slow, quick] = [createGate(), createGate()];
      const first = rows.read(world.here, users(1), { gate: slow });
      await slow.reached;
      const second = rows.read(world.away, users(1, 2, 3), { gate: quick });
      // The load of its own keys begins while the other isolate still loads.
      await quick.reached;
      quick.open();
      slow.open();
      expect(await first).toMatchObject([{ status: "miss", value: 1 }]);
      expect(await second).toMatchObject([
        { status: "joined", value: 1 },
        { status: "miss", value: 1 },
        { status: "miss", value: 1 },
      ]);
      expect(rows.calls).toEqual([users(1), users(2, 3)]);
    });

    it("stale keys of readMany() that another isolate has refreshed are taken from the shared store without a load", async () => {
      const world = await store.createWorld();
      const rows = createRows();
      await rows.read(world.here, TEN, { how: swr });
      await rows.read(world.away, TEN, { how: swr });
      await world.settle();
      world.clock.advance(60_001);
      rows.version = 2;
      await rows.read(world.here, TEN, { how: swr });
      await world.settle();
      expect(rows.calls).toEqual([TEN, TEN]);
      const stale = await rows.read(world.away, TEN, { how: swr });
      expect(stale).toMatchObject(TEN.map(() => ({ status: "stale", value: 1 })));
      await world.settle();
      expect(rows.calls).toEqual([TEN, TEN]);
      const renewed = await rows.read(world.away, TEN, { how: swr });
      expect(renewed).toMatchObject(TEN.map(() => ({ status: "hit-memory", value: 2 })));
    });

    it("if the isolate that loads the keys of readMany() dies, the batch of another isolate loads them within the deadline of a read", async () => {
      const originTimeout = 250;
      const hasty = definePolicy({ freshFor: "10m", jitter: 0, originTimeout });
      const flights = watchFlights("lost");
      const world = await store.createWorld();
      const rows = createRows();
      const dying = world.fresh(undefined, { FLIGHTS: flights.FLIGHTS });
      const gate = createGate();
      const lost = rows.read(dying, TEN, { how: hasty, gate }).catch((error: unknown) => error);
      await gate.reached;
      const found = await Promise.all(
        [world.here, world.away].map((isolate) => rows.read(isolate, TEN, { how: hasty })),
      );
      // A read whose deadline is over rejects.
      for (const lookups of found) expect(values(lookups)).toEqual(TEN.map(() => 1));
      expect(rows.calls.slice(1).flat().toSorted()).toEqual(TEN);
      expect(await lost).toBeInstanceOf(CacheUnavailable);
    });

    it("the keys of readMany() beyond the first hundred that must be loaded are loaded without a shared load", async () => {
      const flights = watchFlights();
      const world = await store.createWorld({ FLIGHTS: flights.FLIGHTS });
      const rows = createRows();
      const before = flights.joins();
      const many = users(...Array.from({ length: 150 }, (_, i) => i));
      expect(await rows.read(world.here, many)).toHaveLength(150);
      expect(rows.calls).toEqual([many]);
      expect(flights.joins() - before).toBe(100);
      await world.settle();
      expect(flights.landed).toHaveLength(100);
    });

    it("readMany() with the policy option `flight: isolate` asks no flight object", async () => {
      const flights = watchFlights();
      const world = await store.createWorld({ FLIGHTS: flights.FLIGHTS });
      const alone = definePolicy({ freshFor: "10m", jitter: 0, flight: "isolate" });
      const before = flights.joins();
      await createRows().read(world.here, TEN, { how: alone });
      expect(flights.joins()).toBe(before);
    });
  });
});
