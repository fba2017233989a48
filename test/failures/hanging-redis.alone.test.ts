/** Who waits while Redis takes connections and never answers. */
import { afterEach, describe, expect, it } from "vitest";
import type { DataLookup } from "../../src/core/data-reader.ts";
import { definePolicy, key } from "../../src/index.ts";
import { clearFaults, failRedis } from "../support/gateway.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld, type World } from "../support/shared-world.ts";

const base = {
  freshFor: "10m",
  jitter: 0,
  tags: ["products"],
  unreachableFor: "1m",
  flight: "isolate",
} as const;
const policy = definePolicy(base);
const bypass = definePolicy({ ...base, onUnreachable: "bypass" });
const READERS = 50;
/** Longer than the breaker of Redis stays open. */
const BREAKER_MS = 1_001;

afterEach(clearFaults);

/** How many of the reads are done before any timer, and any answer of the network, can be. */
async function doneAtOnce(reads: readonly Promise<unknown>[]): Promise<number> {
  let done = 0;
  for (const read of reads) void read.then(() => done++);
  for (let turn = 0; turn < 500; turn++) await Promise.resolve();
  return done;
}

/** Everybody's memory holds the row, and Redis hangs. */
async function hangingWorld(): Promise<World> {
  const world = await createWorld();
  for (const isolate of [world.here, world.away]) await world.read(isolate, policy);
  await world.settle();
  await failRedis({ hang: "before" });
  world.clock.advance(WINDOW_MS);
  return world;
}

const herd = (world: World, how = policy): Promise<DataLookup<number>>[] =>
  Array.from({ length: READERS }, () => world.read(world.here, how));

/** Two questions to the log that have no answer. */
async function miss(world: World, questions = 2): Promise<void> {
  for (let i = 0; i < questions; i++) await world.read(world.here, policy);
}

describe("while Redis hangs, readers of what memory may serve", () => {
  it("wait for the first two questions, and for none that follows", async () => {
    const world = await hangingWorld();
    for (let question = 0; question < 2; question++) {
      const reads = herd(world);
      expect(await doneAtOnce(reads)).toBe(0);
      for (const found of await Promise.all(reads))
        expect(found).toMatchObject({ value: 1, unreachable: true });
    }
    // Each is asked behind the readers, the breaker willing.
    for (let question = 0; question < 10; question++) {
      world.clock.advance(BREAKER_MS);
      const reads = herd(world);
      expect(await doneAtOnce(reads)).toBe(READERS);
      for (const found of await Promise.all(reads))
        expect(found).toMatchObject({ status: "hit-memory", value: 1, unreachable: true });
    }
    await world.settle();
    const questions = world.here.events.filter(
      (event) => event.type === "redis.end" && event.operation === "sync",
    );
    expect(questions.length).toBeGreaterThan(2);
  });

  it("are served as ever with the first answer of the log", async () => {
    const world = await hangingWorld();
    await miss(world);
    world.clock.advance(BREAKER_MS);
    expect(await doneAtOnce(herd(world))).toBe(READERS);
    // What hangs is answered now.
    await clearFaults();
    await world.settle();
    await world.purge("t:products");
    world.origin.write();
    world.clock.advance(WINDOW_MS);
    const reads = herd(world);
    expect(await doneAtOnce(reads)).toBe(0);
    for (const found of await Promise.all(reads))
      expect(found).toMatchObject({ value: 2, unreachable: false });
  });

  it("of many keys at once do not wait either", async () => {
    const world = await hangingWorld();
    const keys = [1, 2, 3].map((id) => key("user", id));
    const readMany = () =>
      world.here
        .request()
        .readMany(keys, policy, async (missing) => new Map(missing.map((one) => [one, one])));
    await readMany();
    await miss(world);
    world.clock.advance(BREAKER_MS);
    expect(await doneAtOnce([readMany()])).toBe(1);
    const found = [...(await readMany()).values()];
    expect(found.map(({ status, unreachable }) => [status, unreachable])).toEqual(
      keys.map(() => ["hit-memory", true]),
    );
  });

  it("wait where the policy asks the origin instead, or the time is over", async () => {
    const world = await hangingWorld();
    await miss(world);
    world.clock.advance(BREAKER_MS);
    world.origin.write();
    const asking = herd(world, bypass);
    expect(await doneAtOnce(asking)).toBe(0);
    for (const found of await Promise.all(asking)) expect(found.value).toBe(2);

    world.clock.advance(60_000);
    world.origin.write();
    const late = herd(world);
    expect(await doneAtOnce(late)).toBe(0);
    for (const found of await Promise.all(late)) expect(found.value).toBe(3);
  });

  it("wait again where one question alone had no answer", async () => {
    const world = await hangingWorld();
    await miss(world, 1);
    await clearFaults();
    const reads = herd(world);
    expect(await doneAtOnce(reads)).toBe(0);
    for (const found of await Promise.all(reads)) expect(found.unreachable).toBe(false);
  });
});
