import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { createWorld } from "../support/shared-world.ts";

const base = { freshFor: "10m", jitter: 0 } as const;
const policy = definePolicy(base);

describe("the flight scope off", () => {
  it("with the policy option `flight: off`, every reader starts a separate load", async () => {
    const off = definePolicy({ ...base, flight: "off" });
    const world = await createWorld();
    const gates = Array.from({ length: 10 }, () => world.origin.holdNext());
    const readings = gates.map(() => world.read(world.here, off));
    await Promise.all(gates.map(({ reached }) => reached));
    for (const gate of gates) gate.open();
    await Promise.all(readings);
    expect(world.origin.loads).toBe(10);
  });
});

describe("the flight scope isolate", () => {
  it("with the policy option `flight: isolate`, readers in one isolate share a load, and a second isolate loads separately", async () => {
    const isolate = definePolicy({ ...base, flight: "isolate" });
    const world = await createWorld();
    const gate = world.origin.holdNext();
    const herd = Array.from({ length: 10 }, () => world.read(world.here, isolate));
    await gate.reached;
    expect((await world.read(world.away, isolate)).value).toBe(1);
    gate.open();
    await Promise.all(herd);
    expect(world.origin.loads).toBe(2);
  });
});

describe("an uncacheable result", () => {
  it("readers of an uncacheable result each load the value and do not wait for each other", async () => {
    const world = await createWorld();
    world.origin.during = (load) => load.noStore();
    const gate = world.origin.holdNext();
    const first = world.read(world.here, policy);
    await gate.reached;
    const others = Array.from({ length: 10 }, () => world.read(world.here, policy));
    gate.open();
    for (const lookup of await Promise.all([first, ...others]))
      expect(lookup).toMatchObject({ status: "bypass", value: 1 });
    expect(world.origin.loads).toBe(11);

    // The hit-for-miss marker lets the next readers begin at once.
    const gates = [world.origin.holdNext(), world.origin.holdNext()];
    const known = [world.read(world.here, policy), world.read(world.here, policy)];
    await Promise.all(gates.map(({ reached }) => reached));
    for (const shut of gates) shut.open();
    await Promise.all(known);
  });

  it("readers of an uncacheable key share a load again as soon as one result is cacheable", async () => {
    const brief = definePolicy({ ...base, freshFor: "1s", flight: "isolate" });
    const world = await createWorld();
    world.origin.during = (load) => load.noStore();
    await world.read(world.here, brief);
    world.origin.during = undefined;
    expect((await world.read(world.here, brief)).status).toBe("miss");
    expect((await world.read(world.here, brief)).status).toBe("hit-memory");
    // The hit-for-miss marker would not have expired yet.
    world.clock.advance(1_001);
    const { loads } = world.origin;
    await Promise.all(Array.from({ length: 10 }, () => world.read(world.here, brief)));
    expect(world.origin.loads).toBe(loads + 1);
  });
});
