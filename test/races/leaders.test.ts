import { afterEach, describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { watchFlights } from "../support/flights.ts";
import {
  RACE_STORES,
  type RaceOptions,
  type RaceStore,
  type RaceWorld,
} from "../support/race-stores.ts";

const ORIGIN_TIMEOUT_MS = 250;
/** The deadline of a read: two loads and the time for the tiers. */
const DEADLINE_MS = 2 * ORIGIN_TIMEOUT_MS + 2_500;
const base = { freshFor: "10m", jitter: 0, originTimeout: ORIGIN_TIMEOUT_MS } as const;
const TIMEOUT = { code: "origin.timeout" };
const policy = definePolicy(base);
const lenient = definePolicy({ ...base, staleIfError: "10m" });

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = Date.now();
  return { result: await work, ms: Date.now() - startedAt };
}

/** A reader whose request the platform ends while it waits for the store. It never continues. */
async function readerThatDies(world: RaceWorld, store: RaceStore): Promise<void> {
  const gate = store.holdNextAnswer(world.key);
  world.read(world.here, policy).catch(() => undefined);
  await gate.reached;
}

describe.each(RACE_STORES)("with %s as the shared store", (_, store) => {
  afterEach(store.restore);

  const createWorld = (options: RaceOptions = {}) =>
    store.createWorld({ ...options, isImpatient: true });

  describe("a lookup whose request the platform has ended", () => {
    it("if the platform ends the request of a lookup, one waiting reader replaces the lookup, and the other readers share the new load", async () => {
      const world = await createWorld();
      await readerThatDies(world, store);
      const herd = Array.from({ length: 30 }, () => world.read(world.here, policy));
      const { result, ms } = await timed(Promise.all(herd));
      expect(result.map(({ value }) => value)).toEqual(result.map(() => 1));
      expect(world.origin.loads).toBe(1);
      expect(ms).toBeLessThan(DEADLINE_MS);
    });

    it("a reader does not wait for a lookup whose request the platform has ended and whose deadline is over", async () => {
      const patient = definePolicy({ ...base, originTimeout: "5s" });
      const world = await createWorld();
      await readerThatDies(world, store);
      world.clock.advance(2 * 5_000 + 2_500);
      const { result, ms } = await timed(world.read(world.here, patient));
      expect(result).toMatchObject({ status: "miss", value: 1 });
      // Less than the time for which a reader waits for another.
      expect(ms).toBeLessThan(4_000);
    });

    it("a refresh whose request the platform has ended does not prevent later refreshes of the same key", async () => {
      const swr = definePolicy({ ...base, freshFor: "1m", staleWhileRevalidate: "1h" });
      const world = await createWorld();
      await world.read(world.here, swr);
      await world.settle();
      world.clock.advance(61_000);
      await world.hear(world.here);
      const gate = store.holdNextAnswer(world.key);
      expect((await world.read(world.here, swr)).status).toBe("stale");
      await gate.reached;

      world.origin.write();
      world.clock.advance(DEADLINE_MS);
      expect((await world.read(world.here, swr)).value).toBe(1);
      await expect
        .poll(async () => (await world.read(world.here, swr)).value, { interval: 5 })
        .toBe(2);
    });
  });

  describe("a sync whose request the platform has ended", () => {
    it("readers wait at most the time limit of the store for a sync of the invalidation log whose request the platform has ended", async () => {
      const patient = definePolicy({ freshFor: "10m", jitter: 0, originTimeout: "10s" });
      const world = await createWorld();
      await world.read(world.here, patient);
      await world.settle();
      world.clock.advance(1_001);
      const gate = store.holdNextAnswer(store.syncs);
      world.read(world.here, patient).catch(() => undefined);
      await gate.reached;
      const herd = Array.from({ length: 20 }, () => world.read(world.here, patient));
      const { result, ms } = await timed(Promise.all(herd));
      for (const lookup of result) expect(lookup).toMatchObject({ value: 1, unreachable: true });
      expect(ms).toBeLessThan(2_000);
      expect(await world.read(world.here, patient)).toMatchObject({ unreachable: false });
    });
  });
});

// These leaders and loads do not wait for a store, whichever it is.
describe.each(RACE_STORES.slice(0, 1))("with %s as the shared store", (_, store) => {
  afterEach(store.restore);

  const createWorld = (options: RaceOptions = {}) =>
    store.createWorld({ ...options, isImpatient: true });

  describe("a leader in another isolate that never lands", () => {
    it("a leader that never finishes loses the lease of a shared load to a follower, and the other readers get the follower's result", async () => {
      const flights = watchFlights("lost");
      const world = await createWorld();
      const dying = world.fresh(undefined, { FLIGHTS: flights.FLIGHTS });
      const begun = world.origin.hangNext();
      const lost = world.read(dying, policy).catch((error: unknown) => error);
      await begun;
      const herd = [world.here, world.neighbour, world.away].flatMap((isolate) =>
        Array.from({ length: 10 }, () => world.read(isolate, policy)),
      );
      const { result, ms } = await timed(Promise.all(herd));
      expect(result.map(({ value }) => value)).toEqual(result.map(() => 1));
      expect(world.origin.loads).toBe(2);
      expect(ms).toBeLessThan(DEADLINE_MS);
      expect(await lost).toMatchObject({ fault: TIMEOUT });
    });
  });

  describe("a leader in another isolate that outlasts its lease", () => {
    it("a leader whose load exceeds the lease of a shared load finishes that load, and a follower loads separately", async () => {
      const hasty = definePolicy({ ...base, originTimeout: "10s", flightTimeout: 200 });
      const flights = watchFlights();
      const world = await createWorld({ FLIGHTS: flights.FLIGHTS });
      const gate = world.origin.holdNext();
      const slow = world.read(world.here, hasty);
      await gate.reached;
      const { result, ms } = await timed(world.read(world.away, hasty));
      expect(result).toMatchObject({ value: 1, status: "miss" });
      expect(ms).toBeLessThan(5_000);
      expect(flights.joins()).toBe(2);
      gate.open();
      expect(await slow).toMatchObject({ value: 1, status: "miss" });
      expect(world.origin.loads).toBe(2);
    });
  });

  describe("a load that never ends", () => {
    it("one waiting reader in the isolate repeats a load that hung, and all waiting readers get the new result", async () => {
      const world = await createWorld();
      const begun = world.origin.hangNext();
      const leading = world.read(world.here, policy);
      await begun;
      const herd = Array.from({ length: 20 }, () => world.read(world.here, policy));
      const { result, ms } = await timed(Promise.allSettled([leading, ...herd]));
      const [lead, ...followers] = result;
      expect(lead).toMatchObject({ reason: { fault: TIMEOUT } });
      for (const follower of followers) expect(follower).toMatchObject({ value: { value: 1 } });
      expect(world.origin.loads).toBe(2);
      expect(ms).toBeLessThan(DEADLINE_MS);
    });

    it("reads fail with the error code `origin.timeout` at their deadline while every load hangs", async () => {
      const world = await createWorld();
      world.origin.hanging = true;
      const readings = [world.here, world.here, world.neighbour, world.away].flatMap((isolate) => [
        world.read(isolate, policy),
        world.read(isolate, policy),
      ]);
      const { result, ms } = await timed(Promise.allSettled(readings));
      for (const outcome of result) expect(outcome).toMatchObject({ reason: { fault: TIMEOUT } });
      expect(ms).toBeLessThan(DEADLINE_MS + 100);
      world.origin.hanging = false;
      world.clock.advance(1_001);
      expect((await world.read(world.away, policy)).value).toBe(1);
    });

    it("the abort signal of a load fires when the load exceeds the policy option `originTimeout`", async () => {
      const world = await createWorld();
      let aborted: unknown;
      world.origin.during = (load) =>
        load.signal.addEventListener("abort", () => {
          aborted = load.signal.reason;
        });
      world.origin.hanging = true;
      await expect(world.read(world.here, policy)).rejects.toThrow("origin.timeout");
      expect(aborted).toMatchObject({ name: "DeadlineExceeded" });
    });

    it("readers of a load that hangs get a stale value if the policy has the option `staleIfError`", async () => {
      const world = await createWorld();
      for (const isolate of [world.here, world.away]) await world.read(isolate, lenient);
      await world.settle();
      world.clock.advance(601_000);
      world.origin.hanging = true;
      const readings = [world.here, world.here, world.neighbour, world.away].map((isolate) =>
        world.read(isolate, lenient),
      );
      const { result, ms } = await timed(Promise.all(readings));
      for (const lookup of result)
        expect(lookup).toMatchObject({ status: "stale-on-error", value: 1, unreachable: false });
      expect(ms).toBeLessThan(DEADLINE_MS + 100);
    });
  });
});
