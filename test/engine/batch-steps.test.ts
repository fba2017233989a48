import { describe, expect, it } from "vitest";
import { CacheUnavailable, definePolicy } from "../../src/index.ts";
import { createGate } from "../support/gate.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createRows, users, values } from "../support/rows.ts";
import { createWorld } from "../support/shared-world.ts";

describe("a batch makes the steps of single reads", () => {
  it("readMany() refreshes the values for which refresh-ahead is due with one load in the background", async () => {
    const ahead = definePolicy({ freshFor: "10s", refreshAhead: { share: 0.5 }, jitter: 0 });
    const world = await createWorld();
    const rows = createRows();
    await rows.read(world.here, users(1, 2), { how: ahead });
    await world.settle();
    world.clock.advance(6_000);
    rows.version = 2;
    expect(values(await rows.read(world.here, users(1, 2), { how: ahead }))).toEqual([1, 1]);
    await world.settle();
    expect(rows.calls).toEqual([users(1, 2), users(1, 2)]);
    expect(values(await rows.read(world.here, users(1, 2), { how: ahead }))).toEqual([2, 2]);
  });

  it("readMany() returns the stale values if its load exceeds the policy option `softTimeout`", async () => {
    const soft = definePolicy({
      freshFor: "10s",
      staleIfError: "1h",
      softTimeout: 20,
      jitter: 0,
    });
    const world = await createWorld();
    const rows = createRows();
    await rows.read(world.here, users(1, 2), { how: soft });
    await world.settle();
    world.clock.advance(11_000);
    rows.version = 2;
    const gate = createGate();
    const late = await rows.read(world.here, users(1, 2), { how: soft, gate });
    expect(late).toMatchObject(users(1, 2).map(() => ({ status: "stale", value: 1 })));
    gate.open();
    await world.settle();
    expect(values(await rows.read(world.here, users(1, 2), { how: soft }))).toEqual([2, 2]);
  });

  it("after two failed loads of its keys, readMany() fails without a load until the pause is over", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    rows.failing = true;
    here.clock.stop();
    for (let i = 0; i < 4; i++)
      await expect(rows.read(here, users(1, 2))).rejects.toThrow(CacheUnavailable);
    expect(rows.calls).toHaveLength(2);
    here.clock.advance(1_000);
    await expect(rows.read(here, users(1, 2))).rejects.toThrow(CacheUnavailable);
    expect(rows.calls).toHaveLength(3);
  });

  it("readMany() reports a failed load of several keys with one event `fault.raise`", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    here.events.splice(0);
    rows.failing = true;
    await expect(rows.read(here, users(1, 2, 3))).rejects.toThrow(CacheUnavailable);
    const faults = here.events.filter(({ type }) => type === "fault.raise");
    expect(faults).toHaveLength(1);
  });

  it("readMany() emits an event `entry.reject` for each memory entry that a purge has made invalid", async () => {
    const world = await createWorld();
    const rows = createRows();
    await rows.read(world.here, users(1, 2));
    await world.settle();
    await world.purge("t:users");
    world.clock.advance(WINDOW_MS);
    world.here.events.splice(0);
    await rows.read(world.here, users(1, 2));
    const rejected = world.here.events.flatMap((event) =>
      event.type === "entry.reject" && event.tier === "memory" ? [event.key] : [],
    );
    expect(rejected).toEqual(users(1, 2));
  });
});
