/** Isolates of several data centres and regions that share their syncs, over the real Redis protocol. */
import { describe, expect, it } from "vitest";
import { definePolicy, key, type StrataOptions } from "../../src/index.ts";
import { countRedis } from "../support/gateway.ts";
import { createTestClock, createTestIsolate, uniqueNamespace } from "../support/isolate.ts";
import type { TestIsolate } from "../support/isolate.ts";
import { createRegionLogs } from "../support/region-logs.ts";

/** Twice the default, so that waits of a busy machine do not end at their time limits. */
const WINDOW_MS = 2_000;
const policy = definePolicy({
  freshFor: "10m",
  jitter: 0,
  flight: "isolate",
  coherence: WINDOW_MS,
});
const ITEM = key("item", 1);
/** Longer than the part of the window after which the leader syncs. */
const STEP_MS = 1_100;
const WINDOWS = 10;

interface Place {
  readonly host: string;
  readonly region: string;
}

const EU: Place = { host: "eu.test", region: "eu" };
const NA: Place = { host: "na.test", region: "na" };
const times = (count: number, place: Place): Place[] => Array.from({ length: count }, () => place);

async function createIsolates(places: readonly Place[], options: StrataOptions = {}) {
  const namespace = uniqueNamespace();
  const clock = createTestClock();
  // Only the test moves the clock, so a busy machine ends no window.
  clock.stop();
  const logs = createRegionLogs(clock);
  let value = 1;
  const isolates = places.map(({ host, region }) =>
    createTestIsolate({
      namespace,
      clock,
      host: `${namespace}.${host}`,
      region,
      bindings: { LOGS: logs.LOGS },
      options,
    }),
  );
  const read = async (isolate: TestIsolate): Promise<number | undefined> => {
    const found = await isolate.request().read(ITEM, policy, async () => value);
    await isolate.settle();
    return found.value;
  };
  /** Reads in all isolates, one after the other. */
  async function readAll(): Promise<(number | undefined)[]> {
    const values: (number | undefined)[] = [];
    for (const isolate of isolates) values.push(await read(isolate));
    return values;
  }
  await readAll();
  /** Moves the clock. Leaders whose next sync is then due end it. */
  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    for (const isolate of isolates) await isolate.settle();
  }
  return {
    advance,
    logs,
    readAll,
    /** The sources of the syncs, of all isolates together. */
    sources: () =>
      isolates.flatMap(({ events }) =>
        events.flatMap((event) => (event.type === "log.sync" ? [event.from] : [])),
      ),
    forget: () => isolates.forEach(({ events }) => (events.length = 0)),
    /** Changes the value and purges it from the last isolate. Acknowledged when it resolves. */
    async writeAndPurge() {
      value++;
      const last = isolates.at(-1);
      if (last === undefined) throw new Error("no isolate");
      const { ok } = await last.layer.coherence.invalidate([`k:${ITEM}`], last.request().ctx);
      expect(ok).toBe(true);
    },
  };
}

/** Reads in all isolates for ten windows. Returns the commands that reached Redis. */
async function commandsOf(places: readonly Place[], options: StrataOptions = {}) {
  const world = await createIsolates(places, options);
  world.forget();
  const counted = await countRedis(async () => {
    for (let i = 0; i < WINDOWS; i++) {
      await world.advance(STEP_MS);
      await world.readAll();
      // The isolates that read a share look for the next one later in their window.
      await world.advance(WINDOW_MS * 0.82 - STEP_MS);
      await world.readAll();
    }
  });
  return {
    commands: counted.commands,
    sources: new Set(world.sources()),
    objects: new Set(world.logs.opened).size,
  };
}

describe("commands for syncs", () => {
  it("without shares, eight isolates ask Redis with 80 commands in ten windows", async () => {
    const { commands } = await commandsOf(times(8, EU), { log: { shares: "off" } });
    expect(commands).toBe(80);
  });

  it("eight isolates of one data centre that share their syncs ask Redis with ten commands in ten windows, all from the log object of their region", async () => {
    const { commands, sources, objects } = await commandsOf(times(8, EU));
    expect(commands).toBe(10);
    expect(objects).toBe(1);
    expect(sources).toEqual(new Set(["object", "share"]));
  });

  it("eight isolates of two regions that share their syncs ask Redis with 20 commands in ten windows, all from the log objects of the two regions", async () => {
    const { commands, sources, objects } = await commandsOf([...times(4, EU), ...times(4, NA)]);
    expect(commands).toBe(20);
    expect(objects).toBe(2);
    expect(sources).toEqual(new Set(["object", "share"]));
  });
});

describe("a purge and isolates that share their syncs", () => {
  it("a purge is visible in every isolate of two regions within one coherence window, though only the log objects ask Redis", async () => {
    const world = await createIsolates([...times(4, EU), ...times(4, NA)]);
    for (let round = 2; round < 6; round++) {
      await world.writeAndPurge();
      world.forget();
      for (let i = 0; i < 10; i++) {
        await world.advance(WINDOW_MS / 10);
        await world.readAll();
      }
      await world.advance(1);
      expect(await world.readAll()).toEqual(times(8, EU).map(() => round));
      expect(world.sources()).toContain("share");
      expect(world.sources()).toContain("object");
    }
  });
});
