import { describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import { countRedis } from "../support/gateway.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld, OTHER_COLO, type World } from "../support/shared-world.ts";

const policy = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"] });
const HUNDRED = Array.from({ length: 100 }, (_, i) => key("user", i));

/** Counts the requests to Redis while `work` runs and until its background work has ended. */
async function requests(world: World, work: () => Promise<unknown>): Promise<number> {
  const counted = await countRedis(async () => {
    await work();
    await world.settle();
  });
  return counted.requests;
}

/** A world in which every isolate has read the key and the log. */
async function warmWorld(): Promise<World> {
  const world = await createWorld();
  for (const isolate of [world.here, world.neighbour, world.away])
    await world.read(isolate, policy);
  await world.settle();
  return world;
}

describe("requests to Redis", () => {
  it("a memory hit within the coherence window costs no Redis request", async () => {
    const world = await warmWorld();
    const count = await requests(world, async () => {
      for (let i = 0; i < 50; i++) {
        const hit = await world.read(world.here, policy);
        expect(hit.status).toBe("hit-memory");
      }
    });
    expect(count).toBe(0);
  });

  it("memory hits late in the coherence window cost one Redis request, in the background", async () => {
    const world = await warmWorld();
    world.clock.advance(900);
    const count = await requests(world, () =>
      Promise.all(Array.from({ length: 100 }, () => world.read(world.here, policy))),
    );
    expect(count).toBe(1);
  });

  it("a hundred concurrent memory hits after the coherence window cost one Redis request", async () => {
    const world = await warmWorld();
    world.clock.advance(WINDOW_MS);
    let statuses = new Set<string>();
    const count = await requests(world, async () => {
      const hits = await Promise.all(
        Array.from({ length: 100 }, () => world.read(world.here, policy)),
      );
      statuses = new Set(hits.map(({ status }) => status));
    });
    expect([...statuses]).toEqual(["hit-memory"]);
    expect(count).toBe(1);
  });

  it("concurrent memory hits of a hundred keys after the coherence window cost one Redis request", async () => {
    const world = await createWorld();
    const { request } = world.here;
    const readAll = () =>
      Promise.all(HUNDRED.map((one) => request().read(one, policy, async () => one)));
    await readAll();
    await world.settle();
    world.clock.advance(WINDOW_MS);
    let statuses = new Set<string>();
    const count = await requests(world, async () => {
      statuses = new Set((await readAll()).map(({ status }) => status));
    });
    expect([...statuses]).toEqual(["hit-memory"]);
    expect(count).toBe(1);
  });

  it("a Redis hit costs one Redis request, in an isolate that has synced with the invalidation log and in a new isolate", async () => {
    const world = await createWorld();
    await world.read(world.here, policy);
    await world.settle();
    for (const isolate of [world.away, world.fresh("colo-c.test")]) {
      let status = "";
      const count = await requests(world, async () => {
        ({ status } = await world.read(isolate, policy));
      });
      expect(status).toBe("hit-redis");
      expect(count).toBe(1);
    }
  });

  it("an edge hit in a new isolate costs one Redis request, also after a purge of other entries", async () => {
    const world = await warmWorld();
    for (const purged of [false, true]) {
      if (purged) await world.purge("t:unrelated");
      const isolate = world.fresh();
      let status = "";
      const count = await requests(world, async () => {
        ({ status } = await world.read(isolate, policy));
      });
      expect(status).toBe("hit-edge");
      expect(count).toBe(1);
    }
  });

  it("an edge hit within the coherence window costs no Redis request", async () => {
    const world = await createWorld();
    await world.read(world.here, policy);
    await world.settle();
    let status = "";
    const count = await requests(world, async () => {
      ({ status } = await world.read(world.neighbour, policy));
    });
    expect(status).toBe("hit-edge");
    expect(count).toBe(0);
  });

  it("a miss costs one Redis request before the load and one Redis request after the load", async () => {
    const world = await createWorld();
    const gate = world.origin.holdNext();
    let reading: Promise<unknown> | undefined;
    const before = await countRedis(async () => {
      reading = world.read(world.fresh(), policy);
      await gate.reached;
    });
    const after = await requests(world, async () => {
      gate.open();
      await reading;
    });
    expect([before.requests, after]).toEqual([1, 1]);
  });

  it("200 concurrent readers of a missing key in two isolates cost one Redis request per isolate before the load and one in total after it", async () => {
    const world = await createWorld();
    const count = await requests(world, () =>
      Promise.all(
        [world.here, world.away].flatMap((isolate) =>
          Array.from({ length: 100 }, () => world.read(isolate, policy)),
        ),
      ),
    );
    expect(world.origin.loads).toBe(1);
    expect(count).toBe(3);
  });

  it("a background refresh costs one Redis request before the load and one Redis request after the load", async () => {
    const swr = definePolicy({ freshFor: "1m", staleWhileRevalidate: "10m", jitter: 0 });
    const world = await createWorld();
    await world.read(world.here, swr);
    await world.settle();
    world.clock.advance(60_001);
    await world.hear(world.here);
    const count = await requests(world, () =>
      Promise.all(Array.from({ length: 20 }, () => world.read(world.here, swr))),
    );
    expect(world.origin.loads).toBe(2);
    expect(count).toBe(2);
  });

  it("after more invalidations than one sync of the invalidation log can list, a memory hit costs one extra Redis request, once", async () => {
    const world = await warmWorld();
    // More changes than one answer of the log carries.
    await world.purge(...Array.from({ length: 1_200 }, (_, i) => `t:other-${i}` as const));
    world.clock.advance(WINDOW_MS);
    const read = () =>
      Promise.all(Array.from({ length: 20 }, () => world.read(world.here, policy)));
    expect(await requests(world, read)).toBe(2);
    expect(await requests(world, read)).toBe(0);
    expect(world.origin.loads).toBe(1);
  });
});

describe("a batch of a hundred", () => {
  async function batch(world: World, isolate = world.here) {
    let loads = 0;
    let found = new Map<string, unknown>();
    const count = await requests(world, async () => {
      const lookups = await isolate.request().readMany(HUNDRED, policy, async (missing) => {
        loads++;
        return new Map(missing.map((one) => [one, { id: one }]));
      });
      found = new Map([...lookups].map(([one, { value }]) => [one, value]));
    });
    expect(found).toEqual(new Map(HUNDRED.map((one) => [one, { id: one }])));
    return { requests: count, loads };
  }

  it("a batch of 100 keys costs two Redis requests on a miss, none from memory, one from Redis, one after the coherence window", async () => {
    const world = await createWorld();
    expect(await batch(world)).toEqual({ requests: 2, loads: 1 });
    expect(await batch(world)).toEqual({ requests: 0, loads: 0 });
    expect(await batch(world, world.fresh(OTHER_COLO))).toEqual({ requests: 1, loads: 0 });
    world.clock.advance(WINDOW_MS);
    expect(await batch(world)).toEqual({ requests: 1, loads: 0 });
  });
});
