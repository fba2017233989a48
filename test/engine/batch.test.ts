import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { CacheUnavailable, definePolicy, key } from "../../src/index.ts";
import { createGate, type Gate } from "../support/gate.ts";
import type { TestIsolate } from "../support/isolate.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createRows, users, values } from "../support/rows.ts";
import { createWorld, OTHER_COLO } from "../support/shared-world.ts";

const policy = definePolicy({ freshFor: "1m", jitter: 0, tags: ["users"] });
const swr = definePolicy({ freshFor: "1m", staleWhileRevalidate: "10m", jitter: 0 });

describe("concurrent batches", () => {
  it("concurrent calls of readMany() load each of their common keys once", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    const gate = createGate();
    const first = rows.read(here, users(1, 2, 3), { gate });
    await gate.reached;
    const second = rows.read(here, users(2, 3, 4));
    const third = rows.read(here, users(1, 4));
    await here.request().read(key("other", 1), policy, async () => 1);
    gate.open();
    for (const lookups of await Promise.all([first, second, third]))
      expect(values(lookups)).toEqual(lookups.map(() => 1));
    expect(rows.calls.flat().toSorted()).toEqual(users(1, 2, 3, 4));
  });

  it("concurrent calls of readMany() that wait for each other's lookups do not deadlock", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    const gates = [createGate(), createGate()] as const;
    const one = rows.read(here, users(1), { gate: gates[0] });
    const two = rows.read(here, users(2), { gate: gates[1] });
    await Promise.all(gates.map(({ reached }) => reached));
    // Each batch waits for a running lookup and has to begin a load of its own first.
    const crossed = [rows.read(here, users(1, 3, 4)), rows.read(here, users(2, 4, 3))];
    await here.request().read(key("other", 1), policy, async () => 1);
    for (const gate of gates) gate.open();
    for (const lookups of await Promise.all([one, two, ...crossed]))
      expect(values(lookups)).toEqual(lookups.map(() => 1));
    expect(rows.calls.flat().toSorted()).toEqual(users(1, 2, 3, 4));
  });

  it("concurrent calls of readMany() and read() load each key once, whichever call began first", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    const gate = createGate();
    let single = 0;
    const readOne = (id: number, held?: Gate) =>
      here.request().read(key("user", id), policy, async () => {
        single++;
        await held?.pass();
        return 1;
      });
    const leading = readOne(1, gate);
    await gate.reached;
    const batchGate = createGate();
    const batch = rows.read(here, users(1, 2), { gate: batchGate });
    await batchGate.reached;
    const following = readOne(2);
    gate.open();
    batchGate.open();
    expect(values([await leading, await following, ...(await batch)])).toEqual([1, 1, 1, 1]);
    expect(rows.calls).toEqual([users(2)]);
    expect(single).toBe(1);
  });

  it("concurrent calls of readMany() for the same stale keys share one refresh", async () => {
    const world = await createWorld();
    const rows = createRows();
    await rows.read(world.here, users(1, 2), { how: swr });
    await world.settle();
    world.clock.advance(60_001);
    rows.version = 2;
    const gate = createGate();
    const stale = await Promise.all(
      Array.from({ length: 10 }, () => rows.read(world.here, users(1, 2), { how: swr, gate })),
    );
    for (const lookups of stale) expect(values(lookups)).toEqual([1, 1]);
    gate.open();
    await world.settle();
    expect(rows.calls).toEqual([users(1, 2), users(1, 2)]);
    expect(values(await rows.read(world.here, users(1, 2), { how: swr }))).toEqual([2, 2]);
  });
});

describe("a purge during a batch", () => {
  it("a call of readMany() that began after a purge does not get values of a batch load that began before the purge", async () => {
    const world = await createWorld();
    const rows = createRows();
    const gate = createGate();
    const before = rows.read(world.here, users(1, 2), { gate });
    await gate.reached;
    rows.version = 2;
    await world.purge("t:users");
    world.clock.advance(WINDOW_MS);
    const after = rows.read(world.here, users(1, 2));
    await world.hear(world.here);
    gate.open();
    expect(values(await before)).toEqual([1, 1]);
    expect(values(await after)).toEqual([2, 2]);
    await world.settle();
    for (const isolate of [world.here, world.neighbour, world.fresh(OTHER_COLO)])
      expect(values(await rows.read(isolate, users(1, 2)))).toEqual([2, 2]);
  });
});

describe("a failing batch", () => {
  it("readMany() returns stale entries if its load fails, and rejects if one key has no stale entry", async () => {
    const lenient = definePolicy({ freshFor: "1m", staleIfError: "10m", jitter: 0 });
    const world = await createWorld();
    const rows = createRows();
    await rows.read(world.here, users(1, 2), { how: lenient });
    await world.settle();
    world.clock.advance(60_001);
    rows.failing = true;
    for (const isolate of [world.here, world.fresh(OTHER_COLO)]) {
      const lookups = await rows.read(isolate, users(1, 2), { how: lenient });
      expect(lookups).toMatchObject([
        { status: "stale-on-error", value: 1 },
        { status: "stale-on-error", value: 1 },
      ]);
    }
    await expect(rows.read(world.here, users(1, 2, 3), { how: lenient })).rejects.toThrow(
      CacheUnavailable,
    );
  });
});

describe("a batch", () => {
  it("readMany() of uncacheable values that needs two loads returns the values of both loads", async () => {
    const { here } = await createWorld();
    const gate = createGate();
    const alone = here.request().read(key("user", 1), policy, async (load) => {
      load.noStore();
      await gate.pass();
      return "for another";
    });
    await gate.reached;
    let calls = 0;
    const batch = here.request().readMany(users(1, 2), policy, async (keys, load) => {
      load.noStore();
      if (++calls === 1) gate.open();
      return new Map(keys.map((one) => [one, `own ${one}`]));
    });
    expect(
      values([...(await batch).values()]).toSorted((a, b) => String(a).localeCompare(String(b))),
    ).toEqual(["own user:1", "own user:2"]);
    expect((await alone).value).toBe("for another");
    expect(calls).toBe(2);
  });

  it("readMany() loads the keys whose stored values do not match the schema of the policy", async () => {
    const world = await createWorld();
    const one = key("user", 1);
    await world.here.request().readMany([one], policy, async () => new Map([[one, "text"]]));
    await world.settle();
    const schema = definePolicy({ freshFor: "1m", schema: z.number() });
    for (const isolate of [world.here, world.away]) {
      const found = await isolate
        .request()
        .readMany([one], schema, async () => new Map([[one, 1]]));
      expect(found.get(one)?.value).toBe(1);
    }
  });

  it("readMany() loads a duplicate key once, and rejects malformed keys and more than 500 keys", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    expect(await rows.read(here, [...users(1), ...users(1)])).toHaveLength(1);
    expect(rows.calls).toEqual([users(1)]);
    expect(await rows.read(here, [])).toEqual([]);
    await expect(rows.read(here, ["no kind"])).rejects.toThrow("key");
    const many = Array.from({ length: 501 }, (_, i) => key("user", i));
    await expect(rows.read(here, many)).rejects.toThrow("at most 500");
  });
});

describe("the events of a batch", () => {
  const eventsOf = (isolate: TestIsolate, type: "lookup.end" | "load.end") =>
    isolate.events
      .splice(0)
      .flatMap((event) =>
        event.type === type
          ? [[event.key, "status" in event ? event.status : event.outcome] as const]
          : [],
      )
      .toSorted(([one], [other]) => one.localeCompare(other));

  it("readMany() emits one event `lookup.end` for each key", async () => {
    const { here, away } = await createWorld();
    const rows = createRows();
    await rows.read(here, users(1));
    await here.settle();
    await rows.read(away, users(2));
    await away.settle();
    here.events.splice(0);
    await rows.read(here, [...users(1, 2, 3), ...users(1)]);
    expect(eventsOf(here, "lookup.end")).toEqual([
      [users(1)[0], "hit-memory"],
      [users(2)[0], "hit-redis"],
      [users(3)[0], "miss"],
    ]);
  });

  it("readMany() emits an event `load.end` for each key that it asks the origin for", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    await rows.read(here, users(1));
    here.events.splice(0);
    await rows.read(here, users(1, 2, 3));
    expect(eventsOf(here, "load.end")).toEqual(users(2, 3).map((one) => [one, "stored"]));
    rows.failing = true;
    await expect(rows.read(here, users(4))).rejects.toThrow(CacheUnavailable);
    expect(eventsOf(here, "load.end")).toEqual([[users(4)[0], "failed"]]);
  });

  it("readMany() that rejects because one key fails to load emits an event `lookup.end` for each key found in the cache", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    await rows.read(here, users(1, 2));
    here.events.splice(0);
    rows.failing = true;
    await expect(rows.read(here, users(1, 2, 3))).rejects.toThrow(CacheUnavailable);
    expect(eventsOf(here, "lookup.end")).toEqual(users(1, 2).map((one) => [one, "hit-memory"]));
  });

  it("the event `lookup.end` of a value comes after the events `lookup.end` of the keys that its loader read with readMany()", async () => {
    const { here } = await createWorld();
    const rows = createRows();
    await rows.read(here, users(1, 2));
    here.events.splice(0);
    await here.request().read(key("page", 1), policy, async (load) => {
      const found = await load.readMany(
        users(1, 2, 3),
        policy,
        async (missing) => new Map(missing.map((one) => [one, 1])),
      );
      return found.size;
    });
    const lookups = here.events.filter(({ type }) => type === "lookup.end");
    expect(lookups).toHaveLength(4);
    expect(lookups.at(-1)).toMatchObject({ key: key("page", 1), status: "miss" });
  });
});
