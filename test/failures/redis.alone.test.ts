import { afterEach, describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import { clearFaults, failRedis } from "../support/gateway.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld, type World } from "../support/shared-world.ts";

const REDIS_TIMEOUT_MS = 1_000;
/** A sync and a read that each take one Redis timeout, and 500 ms of other work. */
const PATIENCE_MS = 2 * REDIS_TIMEOUT_MS + 500;
const UNREACHABLE_FOR_MS = 20_000;

const base = {
  freshFor: "10m",
  jitter: 0,
  tags: ["products"],
  unreachableFor: "20s",
  // Flight objects use the real clock, which does not advance with the clock of the test.
  flight: "isolate",
} as const;
const policy = definePolicy(base);
const coalesced = definePolicy({ ...base, flight: "region" });
const bypass = definePolicy({ ...base, onUnreachable: "bypass" });

const AWAY: Readonly<Record<string, Record<string, unknown>>> = {
  "answers 500": { status: 500 },
  "resets its connections": { reset: true },
  "sends half an answer": { truncate: true },
  "runs the command and never answers": { hang: "after" },
  "takes connections and never answers": { hang: "before" },
};

afterEach(clearFaults);

async function timed<T>(work: Promise<T>): Promise<T> {
  const startedAt = Date.now();
  const result = await work;
  expect(Date.now() - startedAt).toBeLessThan(PATIENCE_MS);
  return result;
}

/** Redis answers again, and its breaker lets the next call through. */
async function recover(world: World): Promise<void> {
  await clearFaults();
  world.clock.advance(REDIS_TIMEOUT_MS + 1);
}

describe.each(Object.entries(AWAY))("Redis that %s", (how, fault) => {
  it(`while Redis ${how}, a read answers from memory until the time in the option unreachableFor is over and then loads, and all isolates recover`, async () => {
    const world = await createWorld();
    const recoveries: string[] = [];
    world.here.layer.coherence.onRecovery(async () => void recoveries.push("here"));
    await world.read(world.here, policy);
    await world.settle();
    await failRedis(fault);
    world.clock.advance(WINDOW_MS);

    const held = await timed(world.read(world.here, policy));
    expect(held).toMatchObject({ status: "hit-memory", value: 1, unreachable: true });

    // The edge holds the entry too, but a fresh isolate cannot validate it.
    world.origin.write();
    const fresh = await timed(world.read(world.fresh(), policy));
    expect(fresh).toMatchObject({ status: "miss", value: 2, stored: false });

    world.clock.advance(UNREACHABLE_FOR_MS);
    const reloaded = await timed(world.read(world.here, policy));
    expect(reloaded).toMatchObject({ value: 2, stored: false });

    await recover(world);
    await world.purge("t:products");
    world.origin.write();
    world.clock.advance(WINDOW_MS);
    expect(recoveries).toEqual([]);
    for (const isolate of [world.here, world.neighbour, world.away, world.fresh()])
      expect(await world.read(isolate, policy)).toMatchObject({ value: 3, unreachable: false });
    await world.settle();
    expect(recoveries).toEqual(["here"]);
  });
});

describe("Redis that refuses connections", () => {
  it("an isolate that never reached Redis loads a value, and then answers from memory until the time in the option `unreachableFor` is over", async () => {
    const world = await createWorld({ bindings: { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9" } });
    expect(await timed(world.read(world.here, policy))).toMatchObject({
      status: "miss",
      value: 1,
      stored: false,
    });
    expect(await timed(world.read(world.here, policy))).toMatchObject({
      status: "hit-memory",
      unreachable: true,
    });
    world.origin.write();
    world.clock.advance(UNREACHABLE_FOR_MS + 1);
    expect((await timed(world.read(world.here, policy))).value).toBe(2);
  });

  it("while Redis refuses connections, 40 concurrent reads of one key in two isolates share one load", async () => {
    const world = await createWorld({ bindings: { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9" } });
    const gate = world.origin.holdNext();
    const herd = [world.here, world.away].flatMap((isolate) =>
      Array.from({ length: 20 }, () => world.read(isolate, coalesced)),
    );
    await gate.reached;
    gate.open();
    for (const { value } of await Promise.all(herd)) expect(value).toBe(1);
    expect(world.origin.loads).toBe(1);
  });
});

describe("Redis that fails", () => {
  it("while Redis fails, a read with the option `onUnreachable` at `bypass` loads from the origin instead of using memory", async () => {
    const world = await createWorld();
    await world.read(world.here, bypass);
    await world.settle();
    await failRedis({ status: 500 });
    world.clock.advance(WINDOW_MS);
    world.origin.write();
    expect(await world.read(world.here, bypass)).toMatchObject({
      status: "miss",
      value: 2,
      unreachable: false,
    });
  });

  it("while Redis hangs, a batch read takes stored keys from memory and loads the missing keys in one load", async () => {
    const world = await createWorld();
    const keys = [1, 2, 3].map((id) => key("user", id));
    let loads = 0;
    const readMany = (wanted: readonly string[]) =>
      world.here.request().readMany(wanted, policy, async (missing) => {
        loads++;
        return new Map(missing.map((one) => [one, one]));
      });
    await readMany(keys.slice(0, 2));
    await world.settle();
    await failRedis({ hang: true });
    world.clock.advance(WINDOW_MS);
    const found = await timed(readMany(keys));
    expect([...found.values()].map(({ status }) => status).toSorted()).toEqual([
      "hit-memory",
      "hit-memory",
      "miss",
    ]);
    expect(found.get(keys[0] ?? "")?.unreachable).toBe(true);
    expect(loads).toBe(2);
  });

  it("while Redis hangs, a hundred memory hits wait together for one sync of the invalidation log", async () => {
    const world = await createWorld();
    await world.read(world.here, policy);
    await world.settle();
    await failRedis({ hang: true });
    world.clock.advance(WINDOW_MS);
    const herd = Array.from({ length: 100 }, () => world.read(world.here, policy));
    for (const lookup of await timed(Promise.all(herd)))
      expect(lookup).toMatchObject({ value: 1, unreachable: true });
  });
});

describe("an invalidation while Redis fails", () => {
  it("an invalidation that fails in Redis still applies in its own isolate, and applies in every isolate after a second attempt", async () => {
    const world = await createWorld();
    for (const isolate of [world.here, world.neighbour, world.away])
      await world.read(isolate, policy);
    await world.settle();
    const { coherence } = world.here.layer;
    await failRedis({ status: 500 });
    world.origin.write();
    coherence.markInvalidated(["t:products"]);
    const failed = await coherence.invalidate(["t:products"], world.here.request().ctx);
    expect(failed).toMatchObject({ ok: false, fault: { code: "redis.unavailable" } });
    expect((await world.read(world.here, policy)).value).toBe(2);

    await recover(world);
    const repeated = await coherence.invalidate(["t:products"], world.here.request().ctx);
    expect(repeated.ok).toBe(true);
    world.clock.advance(WINDOW_MS);
    for (const isolate of [world.here, world.neighbour, world.away, world.fresh()])
      expect(await world.read(isolate, policy)).toMatchObject({ value: 2, unreachable: false });
  });

  it("an isolate that could not reach Redis sees an invalidation that another isolate makes after Redis has recovered", async () => {
    const world = await createWorld();
    for (const isolate of [world.neighbour, world.away]) await world.read(isolate, policy);
    await world.settle();
    await failRedis({ status: 500 });
    world.clock.advance(WINDOW_MS);
    for (let i = 0; i < 3; i++)
      expect(await world.read(world.neighbour, policy)).toMatchObject({ unreachable: true });
    await world.settle();

    await recover(world);
    // The first read lets the breaker probe Redis, and the second one starts a sync.
    for (let i = 0; i < 2; i++) {
      await world.read(world.neighbour, policy);
      await world.settle();
    }
    await world.writeAndPurge("t:products");
    world.clock.advance(WINDOW_MS);
    expect(await world.read(world.neighbour, policy)).toMatchObject({
      value: 2,
      unreachable: false,
    });
  });
});
