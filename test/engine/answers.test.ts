/** Answers of the log that come late, in another order, or never. */
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

describe("an answer that was sent before a purge and comes after a later one", () => {
  it("does not make the isolate forget the purge", async () => {
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

describe("an entry that was read before a purge and comes after a newer load", () => {
  it("does not replace it for good", async () => {
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

describe("a sync that never answers, of a request that the platform has ended", () => {
  it("is not waited for longer than Redis may take, and not asked for again by each reader", async () => {
    const world = await createWorld();
    await world.read(world.here, policy);
    await world.settle();
    world.clock.advance(900);
    // Late in the window: the first reader starts a sync in the background, and is gone.
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
