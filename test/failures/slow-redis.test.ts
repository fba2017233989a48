/** Reads while Redis is slow or hangs: the breaker opens, and no reader waits for its probes. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { definePolicy, key, type Duration } from "../../src/index.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld, type World } from "../support/shared-world.ts";

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

const policy = definePolicy({
  freshFor: "10m",
  jitter: 0,
  tags: ["products"],
  unreachableFor: "1m",
  flight: "isolate",
});
/** Longer than the breaker of Redis stays open at first. */
const OPEN_MS = 1_001;
const SLOW_MS = 800;
const READERS = 50;

/** Handles requests to Redis with `answer`. Returns the commands that were sent. */
function interceptRedis(answer: (send: () => Promise<Response>) => Promise<Response>): string[] {
  const commands: string[] = [];
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(env.UPSTASH_REDIS_REST_URL)) return realFetch(input, init);
    const { body } = init ?? {};
    commands.push(typeof body === "string" ? body : "");
    const { signal } = init ?? {};
    const aborted = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as Error));
    });
    return Promise.race([answer(() => realFetch(input, init)), aborted]);
  };
  return commands;
}

/** Counts the reads that end before any timer or network answer can. */
async function doneAtOnce(reads: readonly Promise<unknown>[]): Promise<number> {
  let done = 0;
  for (const read of reads) void read.then(() => done++);
  for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
  return done;
}

async function warmWorld(slowRedis: Duration = "250ms", timeout: Duration = "1s"): Promise<World> {
  const world = await createWorld({ options: { breaker: { slowRedis }, redis: { timeout } } });
  world.clock.stop();
  await world.read(world.here, policy);
  await world.settle();
  return world;
}

/** Each request to Redis takes 800 ms by the clock of the test. */
function slowDown(world: World): string[] {
  return interceptRedis(async (send) => {
    const response = await send();
    world.clock.advance(SLOW_MS);
    return response;
  });
}

const stateOf = (world: World) => world.here.layer.breakers.redis.status().state;
const herd = (world: World) =>
  Array.from({ length: READERS }, () => world.read(world.here, policy));

describe("warm reads while Redis takes 800 ms", () => {
  it("after three slow syncs of the invalidation log the breaker of Redis opens, and warm reads are answered at once from memory", async () => {
    const world = await warmWorld();
    slowDown(world);
    for (let sync = 0; sync < 3; sync++) {
      expect(stateOf(world)).toBe("closed");
      world.clock.advance(WINDOW_MS);
      await world.read(world.here, policy);
      await world.settle();
    }
    expect(stateOf(world)).toBe("open");
    world.clock.advance(WINDOW_MS);
    const reads = herd(world);
    expect(await doneAtOnce(reads)).toBe(READERS);
    for (const found of await Promise.all(reads))
      expect(found).toMatchObject({ status: "hit-memory", value: 1, unreachable: true });
  });

  it("readers that wait for the third slow sync are answered from memory before Redis answers that sync", async () => {
    const world = await warmWorld("50ms", "1m");
    slowDown(world);
    for (let sync = 0; sync < 2; sync++) {
      world.clock.advance(WINDOW_MS);
      await world.read(world.here, policy);
      await world.settle();
    }
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    interceptRedis(async (send) => {
      await answered;
      return send();
    });
    world.clock.advance(WINDOW_MS);
    for (const found of await Promise.all(herd(world)))
      expect(found).toMatchObject({ status: "hit-memory", value: 1, unreachable: true });
    expect(stateOf(world)).toBe("open");
    answer();
    await world.settle();
  });

  it("while the probes of Redis are slow the breaker stays open and no reader waits for a probe; it closes after a fast probe", async () => {
    const world = await warmWorld();
    const commands = slowDown(world);
    for (let sync = 0; sync < 3; sync++) {
      world.clock.advance(WINDOW_MS);
      await world.read(world.here, policy);
      await world.settle();
    }
    commands.length = 0;
    for (let round = 0; round < 3; round++) {
      world.clock.advance(5 * OPEN_MS);
      expect(await doneAtOnce(herd(world))).toBe(READERS);
      await world.settle();
      expect(stateOf(world)).toBe("open");
    }
    // One probe a round, and no sync.
    expect(commands).toEqual(Array.from({ length: 3 }, () => '["ping"]'));

    globalThis.fetch = realFetch;
    world.clock.advance(5 * OPEN_MS);
    await world.read(world.here, policy);
    await world.settle();
    expect(stateOf(world)).toBe("closed");
    // The next read starts a sync in the background, and the one after it has its result.
    await world.read(world.here, policy);
    await world.settle();
    expect(await world.read(world.here, policy)).toMatchObject({ unreachable: false });
  });
});

describe("misses while Redis hangs", () => {
  it("once the breaker of Redis is open, misses load at once and do not wait for its probes, also after the open time", async () => {
    const world = await createWorld({ options: { redis: { timeout: "50ms" } } });
    await world.settle();
    const commands = interceptRedis(() => new Promise<never>(() => undefined));
    world.clock.advance(WINDOW_MS);
    const miss = (id: number) =>
      world.here.request().read(key("other", id), policy, async () => id);
    for (let id = 0; id < 3; id++) await miss(id);
    await world.settle();
    expect(stateOf(world)).toBe("open");
    for (let round = 1; round <= 3; round++) {
      world.clock.advance(5 * OPEN_MS);
      commands.length = 0;
      const misses = Array.from({ length: READERS }, (_, at) => miss(round * 1_000 + at));
      // The edge answers over the network, so the reads end later than at once. No request of
      // Redis but the probe is sent.
      await Promise.all(misses);
      await world.settle();
      expect(commands.filter((command) => command.includes("ping"))).toHaveLength(1);
    }
  });
});
