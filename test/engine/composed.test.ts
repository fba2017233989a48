/** Values that a loader makes of other values: their dependencies, their mark, and their age. */
import { afterEach, describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import { createGate } from "../support/gate.ts";
import { watchFlights } from "../support/flights.ts";
import { createTestClock, createTestIsolate, uniqueNamespace } from "../support/isolate.ts";
import type { TestIsolate, TestRequest } from "../support/isolate.ts";
import { loseNetwork, restoreNetwork } from "../support/network.ts";
import { WINDOW_MS } from "../support/observers.ts";

afterEach(restoreNetwork);

const policy = definePolicy({ freshFor: "10m", jitter: 0, flight: "isolate" });
const [OUTER, MIDDLE, INNER] = [key("outer", 1), key("middle", 1), key("inner", 1)];
const REDIS_TIMEOUT_MS = 1_000;

const stock = { now: 1 };
const readInner = async (reader: Pick<TestRequest, "read">) =>
  reader.read(INNER, policy, async (load) => {
    load.tag("stock");
    return stock.now;
  });

function createIsolate(options: Partial<Parameters<typeof createTestIsolate>[0]> = {}) {
  stock.now = 1;
  const clock = createTestClock();
  clock.stop();
  return createTestIsolate({ namespace: uniqueNamespace(), clock, ...options });
}

async function purge(isolate: TestIsolate): Promise<void> {
  stock.now++;
  const done = await isolate.layer.coherence.invalidate(["t:stock"], isolate.request().ctx);
  expect(done.ok).toBe(true);
}

describe("a copy of a lookup", () => {
  it("a copy `{ ...lookup }` of the result of cache.read() has the value of the lookup", async () => {
    const lookup = await createIsolate()
      .request()
      .read(INNER, policy, async () => [1, 2]);
    expect({ ...lookup }).toMatchObject({ key: INNER, status: "miss", value: [1, 2] });
  });
});

describe("a loader that reads through the reader of its request", () => {
  type Outer = (request: TestRequest) => Promise<{ readonly value: number | undefined }>;
  const ways: Readonly<Record<string, Outer>> = {
    "one value": (request) =>
      request.read(OUTER, policy, async () => (await readInner(request)).value),
    "values in parallel": (request) =>
      request.read(OUTER, policy, async () => {
        const other = request.read(key("other", 1), policy, async () => 0);
        const [{ value = 0 }, { value: zero = 0 }] = await Promise.all([readInner(request), other]);
        return value + zero;
      }),
    "a batch": (request) =>
      request.read(OUTER, policy, async () => {
        const found = await request.readMany([INNER], policy, async (keys, load) => {
          load.tag("stock");
          return new Map(keys.map((one) => [one, stock.now]));
        });
        return found.get(INNER)?.value;
      }),
    "a value, inside a batch": async (request) => {
      const load = async () => new Map([[OUTER, (await readInner(request)).value ?? 0]]);
      return (await request.readMany([OUTER], policy, load)).get(OUTER) ?? { value: undefined };
    },
    "a value that reads another one": (request) =>
      request.read(OUTER, policy, async () => {
        const middle = request.read(MIDDLE, policy, async () => (await readInner(request)).value);
        return (await middle).value;
      }),
  };

  it.each(Object.keys(ways))(
    "a purge of the tag of a cached value also invalidates an entry whose loader read that value through the cache (case: %s)",
    async (way) => {
      const isolate = createIsolate();
      const read = async () => (await ways[way]?.(isolate.request()))?.value;
      expect(await read()).toBe(1);
      await purge(isolate);
      expect(await read()).toBe(2);
    },
  );

  it("a purge of a cached value also invalidates an entry whose loader read that value through the load context of another load", async () => {
    const isolate = createIsolate();
    const request = isolate.request();
    const readMiddle = () =>
      isolate
        .request()
        .read(MIDDLE, policy, async () => (await readInner(isolate.request())).value);
    await request.read(OUTER, policy, async (outer) => {
      const middle = await request.read(MIDDLE, policy, async () => (await readInner(outer)).value);
      return middle.value;
    });
    await purge(isolate);
    expect((await readMiddle()).value).toBe(2);
  });

  it("concurrent loads of two requests do not get each other's tags", async () => {
    const isolate = createIsolate();
    const gate = createGate();
    const plain = isolate.request().read(OUTER, policy, async () => {
      await gate.pass();
      return 7;
    });
    await gate.reached;
    await isolate
      .request()
      .read(MIDDLE, policy, async () => (await readInner(isolate.request())).value);
    gate.open();
    await plain;
    await purge(isolate);
    expect((await isolate.request().read(OUTER, policy, async () => 8)).value).toBe(7);
  });
});

describe("a value made of one that is marked unreachable", () => {
  async function createAway() {
    const isolate = createIsolate();
    const request = isolate.request();
    await readInner(request);
    await isolate.settle();
    loseNetwork();
    isolate.clock.advance(WINDOW_MS);
    const readOuter = () =>
      isolate.request().read(OUTER, policy, async () => (await readInner(isolate.request())).value);
    return { isolate, readOuter };
  }

  it("a value made of another value that is marked `unreachable` is marked `unreachable` too, at any depth", async () => {
    const { isolate, readOuter } = await createAway();
    expect(await readOuter()).toMatchObject({ status: "bypass", value: 1, unreachable: true });
    const deep = isolate
      .request()
      .read(key("top", 1), policy, async () => (await readOuter()).value);
    expect(await deep).toMatchObject({ value: 1, unreachable: true });
    const found = await isolate
      .request()
      .readMany(
        [key("many", 1)],
        policy,
        async (keys) => new Map([[keys[0] ?? "", (await readOuter()).value ?? 0]]),
      );
    expect(found.get(key("many", 1))).toMatchObject({ status: "bypass", unreachable: true });
  });

  it("after Redis was away, readers of a value that could not be stored share one load, which stores the value", async () => {
    const { isolate, readOuter } = await createAway();
    await readOuter();
    restoreNetwork();
    isolate.clock.advance(REDIS_TIMEOUT_MS + 1);
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async () => (await readOuter()).status),
    );
    expect(statuses.filter((status) => status === "miss").length).toBe(1);
    expect(await readOuter()).toMatchObject({ status: "hit-memory", unreachable: false });
  });
});

describe("a value made of one that is stale", () => {
  const brief = definePolicy({
    freshFor: "1s",
    staleWhileRevalidate: "1h",
    jitter: 0,
    flight: "isolate",
  });

  it("300 concurrent readers of a value that is made of a stale value share one load", async () => {
    const isolate = createIsolate();
    const readBrief = () => isolate.request().read(INNER, brief, async () => stock.now);
    await readBrief();
    await isolate.settle();
    isolate.clock.advance(1_500);
    // The refresh of the inner value takes longer than all reads of the outer one.
    const gate = createGate();
    const slow = isolate.request().read(INNER, brief, async () => {
      await gate.pass();
      return 2;
    });
    expect((await slow).status).toBe("stale");
    let loads = 0;
    const outer = () =>
      isolate.request().read(OUTER, policy, async () => {
        loads++;
        return (await readBrief()).value;
      });
    const first = await Promise.all(Array.from({ length: 300 }, outer));
    expect(new Set(first.map(({ value }) => value))).toEqual(new Set([1]));
    expect(loads).toBe(1);
    // It is not stored: the next reader loads, and finds what the refresh has brought.
    gate.open();
    await isolate.settle();
    expect(await outer()).toMatchObject({ status: "miss", value: 2 });
    expect(loads).toBe(2);
  });
});

describe("the age of a value made of others", () => {
  const NEARLY_MS = 700;

  it("while Redis is away, a reader that joins a load which used a value older than the coherence window gets the result marked `unreachable`", async () => {
    const isolate = createIsolate();
    await readInner(isolate.request());
    await isolate.settle();
    // Inside the window the log need not be asked, so the value counts as current.
    isolate.clock.advance(NEARLY_MS);
    const gate = createGate();
    loseNetwork();
    const leading = isolate.request().read(OUTER, policy, async () => {
      const { value, unreachable } = await readInner(isolate.request());
      expect(unreachable).toBe(false);
      await gate.pass();
      return value;
    });
    await gate.reached;
    isolate.clock.advance(NEARLY_MS);
    const following = isolate.request().read(OUTER, policy, async () => -1);
    gate.open();
    // The leader began within the window of the follower. What it read was current before that.
    expect(await leading).toMatchObject({ value: 1, unreachable: false });
    expect(await following).toMatchObject({ value: 1, unreachable: true });
  });

  it("the leader of a shared load sends with its result how old the cached values are that its loader read (`currentBeforeMs`)", async () => {
    const flights = watchFlights();
    const isolate = createIsolate({ bindings: { FLIGHTS: flights.FLIGHTS } });
    await readInner(isolate.request());
    isolate.clock.advance(NEARLY_MS);
    // Redis is not read, so the log is not asked within the window.
    const shared = definePolicy({
      freshFor: "10m",
      jitter: 0,
      flight: "global",
      tiers: ["memory"],
    });
    await isolate
      .request()
      .read(OUTER, shared, async () => (await readInner(isolate.request())).value);
    await isolate.request().read(MIDDLE, shared, async () => 1);
    await isolate.settle();
    const [composed, plain] = flights.landed;
    expect(composed).toMatchObject({ kind: "entry", currentBeforeMs: NEARLY_MS });
    expect(plain).not.toHaveProperty("currentBeforeMs");
  });
});
