import { afterEach, describe, expect, it } from "vitest";
import {
  CacheUnavailable,
  definePolicy,
  type Policy,
  type PolicyOptions,
} from "../../src/index.ts";
import { createGate } from "../support/gate.ts";
import { clearFaults, failRedis } from "../support/gateway.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld, type World } from "../support/shared-world.ts";

const ORIGIN_TIMEOUT_MS = 300;
const DEADLINE_MS = 2 * ORIGIN_TIMEOUT_MS + 2_500;
/** A stale fallback is validated once more, which may take one Redis timeout. */
const REDIS_TIMEOUT_MS = 1_000;
const base = {
  freshFor: "1m",
  jitter: 0,
  tags: ["products"],
  originTimeout: ORIGIN_TIMEOUT_MS,
  unreachableFor: "5m",
  flight: "isolate",
} as const;
const lenient = definePolicy({ ...base, staleIfError: "10m" });

afterEach(clearFaults);

async function inTime<T>(work: Promise<T>): Promise<T> {
  const startedAt = Date.now();
  try {
    return await work;
  } finally {
    expect(Date.now() - startedAt).toBeLessThan(DEADLINE_MS + REDIS_TIMEOUT_MS);
  }
}

async function allAway(world: World, how: "fail" | "hang"): Promise<void> {
  await failRedis(how === "hang" ? { hang: true } : { status: 500 });
  if (how === "hang") world.origin.hanging = true;
  else world.origin.failing = new Error("connection refused");
}

async function allBack(world: World): Promise<void> {
  await clearFaults();
  world.origin.failing = undefined;
  world.origin.hanging = false;
  world.clock.advance(1_001);
}

describe.each(["fail", "hang"] as const)("Redis and the origin that both %s", (how) => {
  it(`while Redis and the origin both ${how}, a read gets a value from memory or CacheUnavailable in time, and all isolates recover`, async () => {
    const world = await createWorld();
    await world.read(world.here, lenient);
    await world.settle();
    await allAway(world, how);
    world.clock.advance(WINDOW_MS);

    expect(await inTime(world.read(world.here, lenient))).toMatchObject({
      status: "hit-memory",
      value: 1,
      unreachable: true,
    });
    await expect(inTime(world.read(world.away, lenient))).rejects.toThrow(CacheUnavailable);
    await expect(inTime(world.read(world.fresh(), lenient))).rejects.toThrow(CacheUnavailable);

    world.clock.advance(60_000);
    expect(await inTime(world.read(world.here, lenient))).toMatchObject({
      status: "stale-on-error",
      value: 1,
      unreachable: true,
    });

    // Longer than unreachableFor: the entry still answers, because the load fails too.
    world.clock.advance(300_000);
    expect(await inTime(world.read(world.here, lenient))).toMatchObject({
      status: "stale-on-error",
      value: 1,
      unreachable: true,
    });
    // Longer than staleIfError.
    world.clock.advance(360_000);
    await expect(inTime(world.read(world.here, lenient))).rejects.toThrow(CacheUnavailable);

    world.origin.write();
    await allBack(world);
    for (const isolate of [world.here, world.away, world.neighbour, world.fresh()])
      expect(await inTime(world.read(isolate, lenient))).toMatchObject({
        value: 2,
        unreachable: false,
      });
  });
});

describe("Redis and the origin that are away for longer than unreachableFor", () => {
  const patient = { ...base, freshFor: "1h", unreachableFor: "1m" } as const;

  /** The isolate has read the entry, Redis and the origin fail, and `unreachableFor` is over. */
  async function afterUnreachableFor(policy: Policy): Promise<World> {
    const world = await createWorld();
    await world.read(world.here, policy);
    await world.settle();
    await allAway(world, "fail");
    world.clock.advance(61_000);
    return world;
  }

  it("while Redis and the origin fail, an entry that is still fresh answers for longer than `unreachableFor`, marked `unreachable`", async () => {
    const policy = definePolicy({ ...patient, staleIfError: "1d" });
    const world = await afterUnreachableFor(policy);
    for (let minute = 0; minute < 3; minute++) {
      expect(await world.read(world.here, policy)).toMatchObject({
        status: "stale-on-error",
        value: 1,
        unreachable: true,
      });
      world.clock.advance(60_000);
    }
  });

  it("while Redis fails and the origin answers, no entry answers for longer than `unreachableFor`", async () => {
    const policy = definePolicy({ ...patient, staleIfError: "1d" });
    const world = await afterUnreachableFor(policy);
    world.origin.failing = undefined;
    world.origin.write();
    expect(await world.read(world.here, policy)).toMatchObject({ value: 2 });
  });

  it.each<[string, Partial<PolicyOptions>]>([
    ["`onUnreachable: bypass`", { staleIfError: "1d", onUnreachable: "bypass" }],
    ["no `staleIfError`", {}],
  ])(
    "while Redis and the origin fail, a policy with %s serves no entry for longer than `unreachableFor`",
    async (_, options) => {
      const policy = definePolicy({ ...patient, ...options });
      const world = await afterUnreachableFor(policy);
      await expect(world.read(world.here, policy)).rejects.toThrow(CacheUnavailable);
    },
  );
});

describe("a purge while the origin fails", () => {
  it("while the origin fails, a read of a purged entry fails with CacheUnavailable although the policy has the option `staleIfError`", async () => {
    const world = await createWorld();
    for (const isolate of [world.here, world.neighbour, world.away])
      await world.read(isolate, lenient);
    await world.settle();
    world.clock.advance(60_001);
    world.origin.failing = new Error("connection refused");
    await world.writeAndPurge("t:products");
    world.clock.advance(WINDOW_MS);
    for (const isolate of [world.here, world.neighbour, world.away, world.fresh()])
      await expect(world.read(isolate, lenient)).rejects.toThrow(CacheUnavailable);
  });
});

describe("a follower that began after a purge", () => {
  it("a read that began after a purge does not get the stale fallback of a read that began before the purge", async () => {
    const unhurried = definePolicy({
      ...base,
      staleIfError: "10m",
      // On a slow machine too, the load fails by itself and not by its deadline.
      originTimeout: "10s",
      // Without memory, the second reader makes no request before it waits for the first lookup.
      tiers: ["edge", "redis"],
    });
    const world = await createWorld();
    await world.read(world.neighbour, unhurried);
    await world.settle();
    world.clock.advance(60_001);

    const gate = createGate();
    world.origin.during = async () => {
      await gate.pass();
      throw new Error("connection refused");
    };
    const before = world.read(world.here, unhurried);
    await gate.reached;
    await world.writeAndPurge("t:products");
    world.clock.advance(WINDOW_MS);
    const after = world.read(world.here, unhurried).catch((error: unknown) => error);
    // Another isolate's Redis request has been answered: by then the second reader waits.
    await world.hear(world.neighbour);
    gate.open();
    // The first reader may have an entry that was valid when it began.
    expect(await before).toMatchObject({ status: "stale-on-error", value: 1 });
    expect(await after).toBeInstanceOf(CacheUnavailable);
  });
});
