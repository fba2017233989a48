import { describe, expect, it } from "vitest";
import { CacheUnavailable, definePolicy } from "../../src/index.ts";
import { createWorld, type World } from "../support/shared-world.ts";

const ORIGIN_TIMEOUT_MS = 200;
const DEADLINE_MS = 2 * ORIGIN_TIMEOUT_MS + 2_500;
const base = { jitter: 0, tags: ["products"], originTimeout: ORIGIN_TIMEOUT_MS } as const;
const strict = definePolicy({ ...base, freshFor: "1m" });
const swr = definePolicy({ ...base, freshFor: "1m", staleWhileRevalidate: "1m" });
const lenient = definePolicy({ ...base, freshFor: "1m", staleIfError: "10m" });

const AWAY: Readonly<Record<string, (world: World) => void>> = {
  fails: ({ origin }) => {
    origin.failing = new Error("connection refused");
  },
  hangs: ({ origin }) => {
    origin.hanging = true;
  },
};

function recover({ origin, clock }: World): void {
  origin.failing = undefined;
  origin.hanging = false;
  // The longest pause after failed loads.
  clock.advance(1_001);
}

describe.each(Object.entries(AWAY))("an origin that %s", (how, goAway) => {
  it(`while the origin ${how}, all isolates serve a fresh entry`, async () => {
    const world = await createWorld();
    await world.read(world.here, strict);
    await world.settle();
    goAway(world);
    for (const isolate of [world.here, world.neighbour, world.away])
      expect((await world.read(isolate, strict)).value).toBe(1);
  });

  it(`while the origin ${how}, a miss fails with CacheUnavailable before the deadline, and a read loads when the origin is back`, async () => {
    const world = await createWorld();
    goAway(world);
    const startedAt = Date.now();
    const readings = [world.here, world.here, world.away].map((isolate) =>
      world.read(isolate, strict),
    );
    for (const outcome of await Promise.allSettled(readings))
      expect(outcome).toMatchObject({ reason: expect.any(CacheUnavailable) });
    expect(Date.now() - startedAt).toBeLessThan(DEADLINE_MS);

    recover(world);
    for (const isolate of [world.here, world.away, world.fresh()])
      expect((await world.read(isolate, strict)).value).toBe(1);
  });

  it(`while the origin ${how}, a read of an expired entry fails with CacheUnavailable if the policy allows no stale entries`, async () => {
    const world = await createWorld();
    await world.read(world.here, strict);
    await world.settle();
    world.clock.advance(60_001);
    goAway(world);
    await expect(world.read(world.here, strict)).rejects.toThrow(CacheUnavailable);
  });

  it(`while the origin ${how}, every tier serves stale entries before the read's deadline if the policy has the option staleIfError`, async () => {
    const world = await createWorld();
    for (const isolate of [world.here, world.away]) await world.read(isolate, lenient);
    await world.settle();
    world.clock.advance(60_001);
    goAway(world);
    for (const isolate of [world.here, world.neighbour, world.away, world.fresh()]) {
      const startedAt = Date.now();
      expect(await world.read(isolate, lenient)).toMatchObject({
        status: "stale-on-error",
        value: 1,
        unreachable: false,
      });
      expect(Date.now() - startedAt).toBeLessThan(DEADLINE_MS);
    }
    world.origin.write();
    recover(world);
    expect(await world.read(world.here, lenient)).toMatchObject({ value: 2, status: "miss" });
  });

  it(`while the origin ${how}, a read with the policy option staleWhileRevalidate gets the stale entry at once, and a later refresh replaces it`, async () => {
    const world = await createWorld();
    await world.read(world.here, swr);
    await world.settle();
    world.clock.advance(60_001);
    goAway(world);
    for (let i = 0; i < 3; i++) {
      expect(await world.read(world.here, swr)).toMatchObject({ status: "stale", value: 1 });
      await world.settle();
    }
    world.origin.write();
    recover(world);
    expect((await world.read(world.here, swr)).status).toBe("stale");
    await world.settle();
    expect(await world.read(world.here, swr)).toMatchObject({ status: "hit-memory", value: 2 });
  });

  it(`while the origin ${how}, a read fails with CacheUnavailable if its entry has been stale for longer than the policy option staleIfError`, async () => {
    const world = await createWorld();
    await world.read(world.here, lenient);
    await world.settle();
    world.clock.advance(660_001);
    goAway(world);
    await expect(world.read(world.here, lenient)).rejects.toThrow(CacheUnavailable);
  });
});

describe("more loads than origin slots", () => {
  it("100 concurrent loads that each make a nested load finish without a deadlock, although there are fewer origin slots", async () => {
    const world = await createWorld();
    const outer = definePolicy({ freshFor: "1m", flight: "isolate", tiers: ["memory"] });
    const readings = Array.from({ length: 100 }, (_, i) =>
      world.here.request().read(`page:${i}`, outer, async (load) => {
        const inner = await load.read(`part:${i}`, outer, async () => i);
        return inner.value;
      }),
    );
    expect((await Promise.all(readings)).map(({ value }) => value)).toEqual(
      readings.map((_, i) => i),
    );
  });
});
