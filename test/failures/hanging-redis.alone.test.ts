/** Which readers wait while Redis accepts connections and never answers. */
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
/** Longer than the Redis breaker stays open. */
const BREAKER_MS = 1_001;

afterEach(clearFaults);

/** Counts the reads that end before any timer or network answer can. */
async function doneAtOnce(reads: readonly Promise<unknown>[]): Promise<number> {
  let done = 0;
  for (const read of reads) void read.then(() => done++);
  for (let turn = 0; turn < 500; turn++) await Promise.resolve();
  return done;
}

/** Two isolates hold the row in memory, and Redis hangs. */
async function hangingWorld(): Promise<World> {
  const world = await createWorld();
  world.clock.stop();
  for (const isolate of [world.here, world.away]) await world.read(isolate, policy);
  await world.settle();
  await failRedis({ hang: "before" });
  world.clock.advance(WINDOW_MS);
  return world;
}

const herd = (world: World, how = policy): Promise<DataLookup<number>>[] =>
  Array.from({ length: READERS }, () => world.read(world.here, how));

/** Makes syncs that get no answer. */
async function failSyncs(world: World, syncs = 2): Promise<void> {
  for (let i = 0; i < syncs; i++) await world.read(world.here, policy);
}

describe("memory hits while Redis hangs", () => {
  it("while Redis hangs, memory hits wait for the first two syncs of the invalidation log and for no later sync", async () => {
    const world = await hangingWorld();
    for (let question = 0; question < 2; question++) {
      const reads = herd(world);
      expect(await doneAtOnce(reads)).toBe(0);
      for (const found of await Promise.all(reads))
        expect(found).toMatchObject({ value: 1, unreachable: true });
    }
    // Later syncs run in the background, when the breaker lets them through.
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

  it("after a hang of Redis, memory hits wait for syncs of the invalidation log again once Redis has answered one sync", async () => {
    const world = await hangingWorld();
    await failSyncs(world);
    world.clock.advance(BREAKER_MS);
    expect(await doneAtOnce(herd(world))).toBe(READERS);
    // The requests that hang are answered now.
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

  it("while Redis hangs, a batch read from memory does not wait after two failed syncs of the invalidation log", async () => {
    const world = await hangingWorld();
    const keys = [1, 2, 3].map((id) => key("user", id));
    const readMany = () =>
      world.here
        .request()
        .readMany(keys, policy, async (missing) => new Map(missing.map((one) => [one, one])));
    await readMany();
    await failSyncs(world);
    world.clock.advance(BREAKER_MS);
    expect(await doneAtOnce([readMany()])).toBe(1);
    const found = [...(await readMany()).values()];
    expect(found.map(({ status, unreachable }) => [status, unreachable])).toEqual(
      keys.map(() => ["hit-memory", true]),
    );
  });

  it("while Redis hangs and its breaker is still closed, a read with the option `onUnreachable` at `bypass` waits for the invalidation log", async () => {
    const world = await hangingWorld();
    await failSyncs(world);
    world.clock.advance(BREAKER_MS);
    world.origin.write();
    const asking = herd(world, bypass);
    expect(await doneAtOnce(asking)).toBe(0);
    for (const found of await Promise.all(asking)) expect(found.value).toBe(2);
  });

  it("while Redis hangs and its breaker is still closed, a read after the time in the option `unreachableFor` waits for the invalidation log", async () => {
    const world = await hangingWorld();
    await failSyncs(world);
    world.origin.write();
    world.clock.advance(60_000);
    const late = herd(world);
    expect(await doneAtOnce(late)).toBe(0);
    for (const found of await Promise.all(late)) expect(found.value).toBe(2);
  });

  it("after only one failed sync of the invalidation log, memory hits wait for the next sync", async () => {
    const world = await hangingWorld();
    await failSyncs(world, 1);
    await clearFaults();
    const reads = herd(world);
    expect(await doneAtOnce(reads)).toBe(0);
    for (const found of await Promise.all(reads)) expect(found.unreachable).toBe(false);
  });
});
