/** Answers of the invalidation log that come late, out of order, or never. */
import { afterEach, describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { holdNextAnswer, restoreNetwork } from "../support/network.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld } from "../support/shared-world.ts";

const policy = definePolicy({
  freshFor: "10m",
  jitter: 0,
  tags: ["products"],
  flight: "isolate",
});

afterEach(restoreNetwork);

describe("a late answer of the log", () => {
  it("a response of the invalidation log that was sent before a purge and arrives late does not hide the purge", async () => {
    const world = await createWorld();
    await world.read(world.here, policy);
    await world.settle();
    const gate = holdNextAnswer("unrelated");
    const early = world.hear(world.here);
    await gate.reached;
    await world.writeAndPurge("t:products");
    world.clock.advance(WINDOW_MS);
    await world.hear(world.here);
    gate.open();
    await early;
    expect((await world.read(world.here, policy)).value).toBe(2);
  });
});

describe("a late answer with an entry", () => {
  it("an entry that Redis sent before a purge does not replace an entry that was loaded after the purge", async () => {
    const world = await createWorld();
    await world.read(world.away, policy);
    await world.settle();
    const off = definePolicy({ freshFor: "10m", jitter: 0, tags: ["products"], flight: "off" });
    const gate = holdNextAnswer(world.key);
    const early = world.read(world.here, { ...off, tiers: new Set(["memory", "redis"]) });
    await gate.reached;
    await world.writeAndPurge("t:products");
    world.clock.advance(WINDOW_MS);
    expect((await world.read(world.here, off)).value).toBe(2);
    gate.open();
    await early;
    await world.settle();
    expect((await world.read(world.here, off)).value).toBe(2);
  });
});

describe("a sync of a request that the platform has ended", () => {
  it("readers wait at most the Redis timeout for a sync whose request the platform has ended, and share the next sync", async () => {
    const world = await createWorld();
    world.clock.stop();
    await world.read(world.here, policy);
    await world.settle();
    world.clock.advance(900);
    // Late in the window, the first reader starts a sync in the background, and its request ends.
    const gate = holdNextAnswer("inv");
    await world.read(world.here, policy);
    await gate.reached;

    await world.writeAndPurge("t:products");
    world.clock.advance(WINDOW_MS);
    const startedAt = Date.now();
    const herd = Array.from({ length: 20 }, () => world.read(world.here, policy));
    for (const { value } of await Promise.all(herd)) expect(value).toBe(2);
    expect(Date.now() - startedAt).toBeLessThan(1_000);
  });
});
