import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { createTestClock } from "../support/isolate.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld } from "../support/shared-world.ts";

const HOUR_MS = 3_600_000;
const base = { freshFor: "1d", jitter: 0, tags: ["products"], flight: "isolate" } as const;
const policy = definePolicy(base);

describe("a clock that goes back an hour", () => {
  it("an isolate whose clock went back an hour asks the invalidation log again and learns of a purge", async () => {
    const world = await createWorld();
    await world.read(world.here, policy);
    await world.settle();
    await world.writeAndPurge("t:products");
    world.clock.advance(-HOUR_MS);
    expect((await world.read(world.here, policy)).value).toBe(2);
  });

  it("an isolate whose clock went back an hour waits for a running load no longer than the normal time limit", async () => {
    const short = definePolicy({ ...base, originTimeout: 200 });
    const world = await createWorld();
    const begun = world.origin.hangNext();
    const leading = world.read(world.here, short).catch((error: unknown) => error);
    await begun;
    const following = world.read(world.here, short);
    world.clock.advance(-HOUR_MS);
    const startedAt = Date.now();
    expect((await following).value).toBe(1);
    expect(await leading).toMatchObject({ fault: { code: "origin.timeout" } });
    expect((await world.read(world.here, short)).value).toBe(1);
    expect(Date.now() - startedAt).toBeLessThan(2 * 200 + 2_500);
  });

  it("an isolate whose clock went back an hour ignores a hit-for-miss marker from before the change, so readers share one load", async () => {
    const world = await createWorld();
    world.origin.during = (load) => load.noStore();
    await world.read(world.here, policy);
    world.origin.during = undefined;
    world.clock.advance(-HOUR_MS);
    const { loads } = world.origin;
    await Promise.all(Array.from({ length: 10 }, () => world.read(world.here, policy)));
    expect(world.origin.loads).toBe(loads + 1);
  });

  it("an isolate whose clock went back an hour does not serve a value for an extra hour while Redis is unreachable", async () => {
    const world = await createWorld({ bindings: { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9" } });
    await world.read(world.here, policy);
    expect((await world.read(world.here, policy)).status).toBe("hit-memory");
    world.origin.write();
    world.clock.advance(-HOUR_MS);
    expect((await world.read(world.here, policy)).value).toBe(2);
  });
});

describe("clocks that differ by minutes", () => {
  it("isolates whose clocks differ by five minutes see each other's purges within the coherence window", async () => {
    const world = await createWorld();
    const [ahead, behind] = [300_000, -300_000].map((ms) => {
      const clock = createTestClock();
      clock.advance(ms);
      return world.fresh(undefined, undefined, clock);
    });
    if (ahead === undefined || behind === undefined) throw new Error("unreachable");
    for (const isolate of [ahead, behind, world.here]) {
      await world.read(isolate, policy);
      await world.settle();
    }
    expect(world.origin.loads).toBe(1);
    await world.writeAndPurge("t:products");
    for (const { clock } of [ahead, behind, world.here]) clock.advance(WINDOW_MS);
    for (const isolate of [ahead, behind, world.here])
      expect((await world.read(isolate, policy)).value).toBe(2);
  });
});

describe("a clock that goes forward an hour", () => {
  it("a read that waits while the clock goes forward an hour still gets the loaded value", async () => {
    const world = await createWorld();
    const gate = world.origin.holdNext();
    const reading = world.read(world.here, policy);
    await gate.reached;
    world.clock.advance(HOUR_MS);
    gate.open();
    expect((await reading).value).toBe(1);
  });
});
