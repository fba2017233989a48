/** Each option of the tiers, the origin and the flights changes what the layer does. */
import { MAX_CHANGES } from "../../src/core/log.ts";
import { sql } from "drizzle-orm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { definePolicy, key, type Bindings, type StrataOptions } from "../../src/index.ts";
import type { JoinAnswer } from "../../src/core/flight-port.ts";
import { createGate } from "../support/gate.ts";
import { redisCommand } from "../support/gateway.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { hangNetwork, restoreNetwork } from "../support/network.ts";

afterEach(restoreNetwork);

const everywhere = definePolicy({ freshFor: "1h", jitter: 0, flight: "isolate" });
const inMemory = definePolicy({ freshFor: "1h", jitter: 0, flight: "off", tiers: ["memory"] });

function isolateWith(options: StrataOptions, bindings: Partial<Bindings> = {}): TestIsolate {
  return createTestIsolate({ namespace: uniqueNamespace(), options, bindings });
}

/** Reads each of the names once, in this order, and waits for what the reads deferred. */
async function readAll(
  isolate: TestIsolate,
  names: readonly string[],
  value: unknown = 1,
  policy = inMemory,
): Promise<void> {
  for (const name of names)
    await isolate.request().read(key("option", name), policy, async () => value);
  await isolate.settle();
}

/** The state of one tier under a key. */
async function stateOf(isolate: TestIsolate, tier: string, name: string): Promise<string> {
  const reports = await isolate.layer.inspect(key("option", name), isolate.request().ctx);
  const report = reports.find((each) => each.tier === tier);
  return report?.state === "failed" ? report.fault.code : (report?.state ?? "none");
}

async function elapsedOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = Date.now();
  await work();
  return Date.now() - startedAt;
}

describe("memory options", () => {
  it("the option `memory.maxEntries` is the maximum number of entries in the memory tier", async () => {
    const isolate = isolateWith({ memory: { maxEntries: 2 } });
    await readAll(isolate, ["a", "b", "c"]);
    expect(isolate.layer.memory.stats()).toMatchObject({ entries: 2, evictions: 1 });
  });

  it("the option `memory.maxBytes` is the maximum number of bytes of all entries in the memory tier", async () => {
    const isolate = isolateWith({ memory: { maxBytes: 10_000 } });
    await readAll(isolate, ["a", "b", "c", "d", "e", "f"], "x".repeat(2_000));
    const { bytes, evictions } = isolate.layer.memory.stats();
    expect(bytes).toBeLessThanOrEqual(10_000);
    expect(evictions).toBeGreaterThan(0);
  });

  it("the memory tier does not store an entry larger than the option `memory.maxEntryBytes`", async () => {
    const isolate = isolateWith({ memory: { maxEntryBytes: 1_000 } });
    await readAll(isolate, ["large"], "x".repeat(2_000));
    await readAll(isolate, ["small"]);
    expect(await stateOf(isolate, "memory", "large")).toBe("absent");
    expect(await stateOf(isolate, "memory", "small")).toBe("held");
  });

  it.each([
    ["lru", "a"],
    ["fifo", "b"],
  ] as const)(
    "with the option `memory.eviction` at %s, a memory tier of two entries keeps the entry %s after reads of the keys a, b, a, c",
    async (eviction, kept) => {
      const isolate = isolateWith({ memory: { maxEntries: 2, eviction } });
      await readAll(isolate, ["a", "b", "a", "c"]);
      const present = ["a", "b"].filter((name) => isolate.layer.memory.peek(key("option", name)));
      expect(present).toEqual([kept]);
    },
  );
});

describe("edge options", () => {
  it("the option `edge.timeout` is the time after which a call of the Cache API fails if the Cache API hangs", async () => {
    const isolate = isolateWith({ edge: { timeout: "20ms" } });
    caches.open = () => new Promise(() => undefined);
    const elapsed = await elapsedOf(async () =>
      expect(await stateOf(isolate, "edge", "a")).toBe("edge.timeout"),
    );
    expect(elapsed).toBeLessThan(450);
  });

  it("the edge tier does not store an entry larger than the option `edge.maxEntryChars`, but Redis stores this entry", async () => {
    const isolate = isolateWith({ edge: { maxEntryChars: 1_000 } });
    await readAll(isolate, ["large"], "x".repeat(2_000), everywhere);
    expect(await stateOf(isolate, "edge", "large")).toBe("absent");
    expect(await stateOf(isolate, "redis", "large")).toBe("held");
  });
});

describe("redis options", () => {
  it("the option `redis.timeout` is the time after which a call to Redis fails if Redis hangs", async () => {
    const isolate = isolateWith({ redis: { timeout: "30ms" } });
    hangNetwork();
    const { store } = isolate.layer;
    const elapsed = await elapsedOf(async () =>
      expect(await store.sync(0, MAX_CHANGES, isolate.request().ctx)).toMatchObject({
        fault: { code: "redis.timeout" },
      }),
    );
    expect(elapsed).toBeLessThan(900);
  });

  it("Redis does not store an entry larger than the option `redis.maxEntryChars`, but the edge tier stores this entry", async () => {
    const isolate = isolateWith({ redis: { maxEntryChars: 1_000 } });
    await readAll(isolate, ["large"], "x".repeat(2_000), everywhere);
    expect(await stateOf(isolate, "redis", "large")).toBe("absent");
    expect(await stateOf(isolate, "edge", "large")).toBe("held");
  });

  it("the option `redis.packFromChars` is the size from which entries in Redis are compressed", async () => {
    const lengths: number[] = [];
    for (const packFromChars of [1_000, 100_000]) {
      const isolate = isolateWith({ redis: { packFromChars } });
      await readAll(isolate, ["text"], "x".repeat(8_000), everywhere);
      const { namespace } = isolate.layer.config;
      lengths.push(await redisCommand<number>("STRLEN", `${namespace}:e:option:text`));
    }
    expect(lengths[0]).toBeLessThan(2_000);
    expect(lengths[1]).toBeGreaterThan(8_000);
  });
});

describe("origin options", () => {
  it.each([1, 2])(
    "with the option `origin.slots` at %i, at most this number of loads run at the same time",
    async (slots) => {
      const isolate = isolateWith({ origin: { slots } });
      const gate = createGate();
      let running = 0;
      let most = 0;
      const reads = ["a", "b", "c"].map((name) =>
        isolate.request().read(key("option", name), inMemory, async () => {
          running++;
          most = Math.max(most, running);
          await gate.pass();
          running--;
          return name;
        }),
      );
      await vi.waitFor(() => expect(running).toBe(slots));
      gate.open();
      await Promise.all(reads);
      expect(most).toBe(slots);
    },
  );

  it("the option `origin.sqlTimeout` is the time after which a database query fails if the database hangs", async () => {
    const isolate = isolateWith({ origin: { sqlTimeout: "30ms" } });
    hangNetwork();
    const elapsed = await elapsedOf(() =>
      expect(isolate.layer.db.execute(sql`select 1`)).rejects.toMatchObject({
        fault: { code: "origin.timeout" },
      }),
    );
    expect(elapsed).toBeLessThan(4_000);
  });
});

/** A binding whose objects answer as the test says; it notes the names that are asked for. */
function flightsThat(
  join: (request: unknown, onWait: () => void) => Promise<JoinAnswer>,
  land = async () => undefined,
) {
  const names: string[] = [];
  const FLIGHTS = {
    idFromName: (name: string) => void names.push(name),
    get: () => ({ join, land }),
  } as unknown as DurableObjectNamespace;
  return { names, bindings: { FLIGHTS } };
}

const never = () => new Promise<never>(() => undefined);
const leader = async () => ({ role: "leader", flight: "f", lease: "l" }) as const;
const shared = definePolicy({ freshFor: "1h", jitter: 0, tiers: ["memory"] });

describe("flight options", () => {
  it.each([1, 4])(
    "with the option `flights.shards` at %i, shared loads of 40 keys use this number of Durable Objects",
    async (shards) => {
      const { names, bindings } = flightsThat(leader);
      const isolate = isolateWith({ flights: { shards } }, bindings);
      const many = Array.from({ length: 40 }, (_, number) => String(number));
      await readAll(isolate, many, 1, shared);
      expect(new Set(names).size).toBe(shards);
    },
  );

  it("if the Durable Object of shared loads hangs, a reader loads by itself after the time in the option `flights.grantTimeout`", async () => {
    const { bindings } = flightsThat(never);
    const isolate = isolateWith({ flights: { grantTimeout: "30ms", slack: "30ms" } }, bindings);
    const elapsed = await elapsedOf(() =>
      isolate.request().read(key("option", "a"), shared, async () => 1),
    );
    expect(elapsed).toBeLessThan(900);
    expect(isolate.events).toContainEqual(
      expect.objectContaining({
        type: "fault.raise",
        fault: expect.objectContaining({ code: "flight.timeout" }),
      }),
    );
  });

  it("if the Durable Object of shared loads hangs, a leader stops handing over its result after the time in the option `flights.slack`", async () => {
    const { bindings } = flightsThat(leader, never);
    const isolate = isolateWith({ flights: { slack: "300ms" } }, bindings);
    const elapsed = await elapsedOf(() => readAll(isolate, ["a"], 1, shared));
    expect(elapsed).toBeGreaterThanOrEqual(290);
    expect(elapsed).toBeLessThan(950);
  });
});

describe("flight options together with the deadline of a read", () => {
  it("a read does not wait for a shared load if the option `flights.slack` is longer than the policy option `originTimeout`", async () => {
    const { bindings } = flightsThat((_request, onWait) => {
      onWait();
      return never();
    });
    const isolate = isolateWith({ flights: { slack: "10s" } }, bindings);
    const quick = definePolicy({ freshFor: "1h", jitter: 0, originTimeout: "100ms" });
    const { value } = await isolate.request().read(key("option", "a"), quick, async () => 1);
    expect(value).toBe(1);
  });
});
