import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { Policy } from "../../src/core/policy.ts";
import type { Load } from "../../src/core/data-reader.ts";
import { createFlightPort } from "../../src/durable/flight-port.ts";
import type { FlightShardRpc } from "../../src/durable/flight-shard.ts";
import { CacheUnavailable, definePolicy, type Bindings } from "../../src/index.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";

const policy = definePolicy({ freshFor: "1m", jitter: 0 });

/** Isolates of one region, each in a data centre of its own. */
function isolates(count: number, bindings: Partial<Bindings> = {}) {
  const namespace = uniqueNamespace();
  const made = Array.from({ length: count }, (_, i) =>
    createTestIsolate({ namespace, host: `colo-${i}.test`, bindings }),
  );
  return { namespace, made: made as [TestIsolate, ...TestIsolate[]] };
}

/** A load that ends when the test opens it. */
function gated<T>(end: () => T | Promise<T>) {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const load: Load<T> = async () => {
    start();
    await gate;
    return end();
  };
  return { load: vi.fn<Load<T>>(load), open, started };
}

const read = <T>(isolate: TestIsolate, load: Load<T>, by: Policy = policy) =>
  isolate.request().read("product:1", by, load);

/** Waits until the isolate has found nothing in Redis; it joins a flight next. */
const askedRedis = (isolate: TestIsolate) =>
  vi.waitFor(() => {
    expect(
      isolate.events.some((event) => event.type === "step.end" && event.step === "redis"),
    ).toBe(true);
  });

describe("a load that takes longer than its lease", () => {
  it("readers that have waited for a shared load for the policy option `flightTimeout` load by themselves, without an error", async () => {
    const impatient = definePolicy({
      freshFor: "1m",
      jitter: 0,
      originTimeout: "4s",
      flightTimeout: "200ms",
    });
    const { made } = isolates(8);
    const slow = gated(() => "slow");
    const reads = made.map((isolate) => read(isolate, slow.load, impatient));
    // Some become leaders one after the other; the others time out before that.
    await vi.waitFor(() => expect(slow.load).toHaveBeenCalledTimes(8), { timeout: 3_000 });
    slow.open();

    for (const answer of await Promise.all(reads)) expect(answer).toMatchObject({ value: "slow" });
    const faults = made.flatMap(({ events }) =>
      events.filter((event) => event.type === "fault.raise"),
    );
    expect(faults).toEqual([]);
  });
});

describe("loads shared between isolates", () => {
  it("isolates that miss the same key load the value once and share the value", async () => {
    const [leader, ...followers] = isolates(4).made;
    const slow = gated(() => "loaded once");
    const first = read(leader, slow.load);
    await slow.started;
    const unused = vi.fn<() => Promise<string>>(async () => "loaded twice");
    const others = followers.map((follower) => read(follower, unused));
    await Promise.all(followers.map(askedRedis));
    slow.open();

    expect(await first).toMatchObject({ status: "miss", value: "loaded once" });
    for (const other of others)
      expect(await other).toMatchObject({ status: "joined", value: "loaded once" });
    expect(slow.load).toHaveBeenCalledTimes(1);
    expect(unused).not.toHaveBeenCalled();
    // The shared value is in the follower's memory.
    expect(await read(followers[0]!, unused)).toMatchObject({ status: "hit-memory" });
  });

  it("isolates each load a value that may not be stored", async () => {
    const [leader, follower] = isolates(2).made as [TestIsolate, TestIsolate];
    const slow = gated(() => "the leader's own");
    const first = read(leader, async (context) => {
      context.noStore();
      return slow.load(context);
    });
    await slow.started;
    const second = read(follower, async (context) => {
      context.noStore();
      return "the follower's own";
    });
    await askedRedis(follower);
    slow.open();
    expect(await first).toMatchObject({ status: "bypass", value: "the leader's own" });
    expect(await second).toMatchObject({ status: "bypass", value: "the follower's own" });
  });

  it("followers of a shared load get the error of the leader and do not repeat the load", async () => {
    const [leader, follower] = isolates(2).made as [TestIsolate, TestIsolate];
    const slow = gated(() => Promise.reject(new Error("the origin is down")));
    const first = read(leader, slow.load);
    const errorOf = (read: Promise<unknown>): Promise<unknown> =>
      read.then(
        () => "it was answered",
        (error: unknown) => error,
      );
    const outcome = errorOf(first);
    await slow.started;
    const unused = vi.fn<() => Promise<string>>(async () => "value");
    const second = errorOf(read(follower, unused));
    await askedRedis(follower);
    slow.open();
    for (const error of [await outcome, await second]) {
      expect(error).toBeInstanceOf(CacheUnavailable);
      expect(String(error)).toContain("the origin is down");
    }
    expect(unused).not.toHaveBeenCalled();
  });

  it("an isolate takes over the lease of a shared load whose leader died", async () => {
    const { namespace, made } = isolates(1);
    const [survivor] = made;
    const { ctx } = survivor.request();
    const port = createFlightPort({
      stub: (name) => env.FLIGHTS.get(env.FLIGHTS.idFromName(name)) as unknown as FlightShardRpc,
      namespace,
      shards: survivor.layer.config.settings.flights.shards,
      grantMs: 5_000,
      slackMs: 5_000,
      withTimeout,
    });
    // An isolate takes the lease and dies.
    const lease = { key: "product:1", waitMs: 5_000, leaseMs: 200 };
    expect(await port.join("region", lease, ctx)).toMatchObject({ value: { role: "leader" } });

    expect(await read(survivor, async () => "after all")).toMatchObject({
      status: "miss",
      value: "after all",
    });
  });

  it.each([
    ["loads it", ["memory"], "miss"],
    ["reads it from Redis", ["memory", "redis"], "hit-redis"],
  ] as const)(
    "a reader whose value a full flight object has given up %s",
    async (_, tiers, status) => {
      const namespace = uniqueNamespace();
      const options = { flights: { shards: 1 }, redis: { timeout: "10s" } } as const;
      const create = () => createTestIsolate({ namespace, options });
      const [first, later] = [create(), create()];
      const shared = definePolicy({ freshFor: "1m", jitter: 0, tiers });
      const bodyOf = (i: number) => String(i).repeat(900_000);
      const ids = [0, 1, 2, 3, 4, 5];
      // Of these, the object of the namespace keeps two.
      for (const i of ids) await first.request().read(`big:${i}`, shared, async () => bodyOf(i));
      await first.settle();
      for (const i of ids.slice(0, 4)) {
        const found = await later.request().read(`big:${i}`, shared, async () => bodyOf(i));
        expect(found.status).toBe(status);
        expect(found.value === bodyOf(i)).toBe(true);
      }
    },
  );

  it("isolates do not share loads with the policy option `flight: isolate`", async () => {
    const [one, other] = isolates(2).made as [TestIsolate, TestIsolate];
    const own = definePolicy({ freshFor: "1m", flight: "isolate" });
    const slow = gated(() => "one");
    const first = read(one, slow.load, own);
    await slow.started;
    expect(await read(other, async () => "other", own)).toMatchObject({
      status: "miss",
      value: "other",
    });
    slow.open();
    expect(await first).toMatchObject({ value: "one" });
  });
});

describe("loads without the flight object", () => {
  const broken = (join: () => Promise<never>): Bindings["FLIGHTS"] =>
    ({
      idFromName: (name: string) => name,
      get: () => ({ join, land: join }),
    }) as unknown as Bindings["FLIGHTS"];

  it("an isolate that cannot reach the Durable Object of shared loads loads by itself and records the error", async () => {
    const FLIGHTS = broken(() => Promise.reject(new Error("the object is gone")));
    const [one, other] = isolates(2, { FLIGHTS }).made as [TestIsolate, TestIsolate];
    expect(await read(one, async () => 1)).toMatchObject({ status: "miss", value: 1 });
    await one.settle();
    expect(await read(other, async () => 2)).toMatchObject({ status: "hit-redis", value: 1 });
    expect(one.events).toContainEqual({
      type: "fault.raise",
      fault: { code: "flight.unavailable", message: "the object is gone" },
    });
  });

  it("a read returns the loaded value although the Durable Object of shared loads never answers", async () => {
    const FLIGHTS = broken(() => new Promise<never>(() => undefined));
    const [one] = isolates(1, { FLIGHTS }).made;
    const quick = definePolicy({ freshFor: "1m", originTimeout: 1_500 });
    expect(await read(one, async () => 1, quick)).toMatchObject({ status: "miss", value: 1 });
  });
});
