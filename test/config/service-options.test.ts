/** Each option of limits, sessions, telemetry, metrics, existence filters, outbox and log changes what the layer does. */
import { sql } from "drizzle-orm";
import { afterEach, describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import type { Bindings, StrataOptions } from "../../src/index.ts";
import { createLimitedApp } from "../ratelimit/app.ts";
import { redisCommand } from "../support/gateway.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { hangNetwork, observeRequests, restoreNetwork } from "../support/network.ts";
import { createTelemetryApp, newNamespace } from "../telemetry/support.ts";
import { newCategories, newProduct, testDatabase } from "../writes/database.ts";

afterEach(restoreNetwork);

const HOUR_MS = 3_600_000;

function isolateWith(options: StrataOptions, bindings: Partial<Bindings> = {}): TestIsolate {
  return createTestIsolate({ namespace: uniqueNamespace(), options, bindings });
}

async function elapsedOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = Date.now();
  await work();
  return Date.now() - startedAt;
}

describe("limits options", () => {
  const limited = (options: StrataOptions) =>
    createLimitedApp(
      uniqueNamespace(),
      (app, rateLimit) => {
        app.use(rateLimit({ name: "api", ip: "100/1m", mode: "fast" }));
        app.get("/", (c) => c.text("ok"));
      },
      {},
      options,
    );

  it("the option `limits.timeout` is the time after which a call of a rate limiter to Redis fails if Redis hangs", async () => {
    const { rateLimits } = limited({ limits: { timeout: "30ms" } });
    const isolate = isolateWith({});
    hangNetwork();
    const elapsed = await elapsedOf(async () =>
      expect(await rateLimits.getLimitInfo("ip:192.0.2.1", isolate.request().ctx)).toMatchObject({
        ok: false,
        fault: { code: "redis.timeout" },
      }),
    );
    expect(elapsed).toBeLessThan(900);
  });

  it("the option `limits.maxAccounts` is the maximum number of rate-limit accounts in the memory of an isolate", async () => {
    const { get, rateLimits } = limited({ limits: { maxAccounts: 3 } });
    for (let host = 1; host <= 8; host++) await get("/", { ip: `192.0.2.${host}` });
    expect(rateLimits.stats().accounts).toBe(3);
  });
});

describe("sessions options", () => {
  it("the option `sessions.timeout` is the time after which a call of the sessions to Redis fails if Redis hangs", async () => {
    const isolate = isolateWith({ sessions: { timeout: "30ms" } });
    hangNetwork();
    const elapsed = await elapsedOf(() =>
      expect(isolate.layer.sessions.list("ada", isolate.request().ctx)).rejects.toMatchObject({
        fault: { code: "redis.timeout" },
      }),
    );
    expect(elapsed).toBeLessThan(900);
  });
});

describe("telemetry options", () => {
  it.each([
    ["50ms", 0, 1_500],
    ["1600ms", 1_200, 10_000],
  ] as const)(
    "with the option `telemetry.flushEvery` at %s, an isolate waits this time between two telemetry reports",
    async (flushEvery, least, most) => {
      const { get } = createTelemetryApp(
        newNamespace(),
        (app) => app.get("/", (c) => c.text("ok")),
        {},
        { telemetry: { flushEvery } },
      );
      // The first report leaves at once. The second one waits.
      await get("/");
      const elapsed = await elapsedOf(() => get("/"));
      expect(elapsed).toBeGreaterThanOrEqual(least);
      expect(elapsed).toBeLessThan(most);
    },
  );
});

describe("metrics options", () => {
  it.each([1, 3])(
    "with the option `metrics.shards` at %i, a snapshot of the metrics asks this number of Durable Objects",
    async (shards) => {
      const names = new Set<string>();
      const METRICS = {
        idFromName: (name: string) => void names.add(name),
        get: () => ({ snapshot: async () => ({ series: [] }) }),
      } as unknown as DurableObjectNamespace;
      const { metrics } = isolateWith({ metrics: { shards } }, { METRICS }).layer;
      await metrics.snapshot().catch(() => undefined);
      expect(names.size).toBe(shards);
    },
  );

  it("the option `metrics.timeout` is the time after which a call to a metrics Durable Object fails if the object hangs", async () => {
    const METRICS = {
      idFromName: () => undefined,
      get: () => ({ snapshot: () => new Promise(() => undefined) }),
    } as unknown as DurableObjectNamespace;
    const { metrics } = isolateWith({ metrics: { timeout: "30ms" } }, { METRICS }).layer;
    await expect(metrics.snapshot()).rejects.toThrow("no answer within 30 ms");
  });
});

/** An isolate with a filter of so many things, built and loaded. */
async function isolateWithFilter(options: StrataOptions["existence"], count = 20) {
  const isolate = isolateWith({ existence: { ...options } });
  const { existence } = isolate.layer;
  const keys = Array.from({ length: count }, (_, number) => `thing:${number}`);
  existence.define({ name: "thing", listKeys: async () => keys });
  const build = async () => (await existence.buildAll(isolate.request().ctx)).get("thing");
  expect(await build()).toEqual({ ok: true, value: "built" });
  existence.missed("thing", isolate.request().ctx);
  await isolate.settle();
  return {
    isolate,
    build,
    filterKey: `${isolate.layer.config.namespace}:exists:thing`,
    mayExist: (name: string) =>
      existence.mayExist("thing", `thing:${name}`, [], isolate.request().ctx),
  };
}

describe("existence options", () => {
  it("a higher value of the option `existence.falsePositiveRate` makes an existence filter smaller", async () => {
    const sizes: number[] = [];
    for (const falsePositiveRate of [0.5, 0.0001]) {
      const { filterKey } = await isolateWithFilter({ falsePositiveRate }, 2_000);
      sizes.push(await redisCommand<number>("STRLEN", filterKey));
    }
    expect(sizes[0]).toBeLessThan((sizes[1] ?? 0) / 2);
  });

  it("an isolate asks the invalidation log before an existence filter reports a key as missing, unless it asked within the option `existence.coherence`", async () => {
    for (const [coherence, asked] of [
      ["10s", 0],
      ["100ms", 1],
    ] as const) {
      const { isolate, mayExist } = await isolateWithFilter({
        coherence,
        falsePositiveRate: 0.0001,
      });
      isolate.clock.advance(2_000);
      let requests = 0;
      observeRequests(() => requests++);
      expect(await mayExist("missing")).toBe(false);
      restoreNetwork();
      expect(requests).toBe(asked);
    }
  });

  it("an existence filter is built again only after the time in the option `existence.rebuildEvery`", async () => {
    const { isolate, build } = await isolateWithFilter({ rebuildEvery: "1m" });
    isolate.clock.advance(50_000);
    expect(await build()).toEqual({ ok: true, value: "young" });
    isolate.clock.advance(20_000);
    expect(await build()).toEqual({ ok: true, value: "built" });
  });

  it("an existence filter that is older than the option `existence.maxAge` reports a missing key as possibly present", async () => {
    const { isolate, filterKey, mayExist } = await isolateWithFilter({
      maxAge: "10m",
      falsePositiveRate: 0.0001,
    });
    const lifetimeMs = await redisCommand<number>("PTTL", filterKey);
    expect(lifetimeMs).toBeLessThanOrEqual(600_000);
    expect(lifetimeMs).toBeGreaterThan(500_000);
    expect(await mayExist("missing")).toBe(false);
    isolate.clock.advance(601_000);
    expect(await mayExist("missing")).toBe(true);
  });

  it("an isolate asks Redis for a newer existence filter only after the time in the option `existence.reloadEvery`", async () => {
    const { isolate, mayExist } = await isolateWithFilter({
      reloadEvery: "10m",
      falsePositiveRate: 0.0001,
    });
    let loads = 0;
    observeRequests((body) => (loads += body.includes(":exists:") ? 1 : 0));
    isolate.clock.advance(500_000);
    await mayExist("missing");
    await isolate.settle();
    expect(loads).toBe(0);
    isolate.clock.advance(200_000);
    await mayExist("missing");
    await isolate.settle();
    expect(loads).toBe(1);
  });
});

describe("outbox options", () => {
  it.each([
    ["0ms", 1],
    ["1h", 0],
  ] as const)(
    "with the option `outbox.verifyAfter` at %s, the outbox relay deletes %i rows directly after a purge",
    async (verifyAfter, deleted) => {
      const isolate = isolateWith({ outbox: { verifyAfter } });
      const { writer } = isolate.layer;
      expect(await writer.purge({ tags: ["verify"] }, isolate.request().ctx)).toBe("done");
      await isolate.settle();
      expect(await writer.relay(isolate.request().ctx)).toMatchObject({ deleted });
    },
  );

  /** Writes one row, with an outbox object that answers a call like this. */
  async function writeWith(
    outbox: StrataOptions["outbox"],
    wake: (namespace: string, inMs: number) => Promise<void>,
  ): Promise<TestIsolate> {
    const OUTBOX = {
      idFromName: () => undefined,
      get: () => ({ wake }),
    } as unknown as DurableObjectNamespace;
    const isolate = isolateWith({ outbox: { ...outbox } }, { OUTBOX });
    const { db, writer } = isolate.layer;
    const [category = 0] = await newCategories(testDatabase(), 1);
    const id = await newProduct(testDatabase(), category);
    await writer.mutate(
      {
        statements: [
          db
            .update(products)
            .set({ stock: 1 })
            .where(sql`${products.id} = ${id}`)
            .returning(),
        ],
        tags: ["alarm"],
      },
      isolate.request().ctx,
    );
    return isolate;
  }

  it.each([
    [undefined, []],
    ["1h", [3_600_000]],
  ] as const)(
    "with the option `outbox.originLag` at %s, a write schedules a second invalidation after that time, or none if the option is not set",
    async (originLag, expected) => {
      const calls: number[] = [];
      const isolate = await writeWith(
        originLag === undefined ? {} : { originLag },
        async (_namespace, inMs) => {
          calls.push(inMs);
        },
      );
      await isolate.settle();
      expect(calls).toEqual(expected);
    },
  );

  it("a write's call to an outbox Durable Object that hangs fails after the time in the option `outbox.alarmTimeout`", async () => {
    const isolate = await writeWith(
      { originLag: "1h", alarmTimeout: "30ms" },
      () => new Promise(() => undefined),
    );
    const elapsed = await elapsedOf(() => isolate.settle());
    expect(elapsed).toBeLessThan(4_000);
    expect(isolate.events).toContainEqual({
      type: "fault.raise",
      fault: { code: "background.failed", message: "no answer within 30 ms" },
    });
  });
});

describe("log options", () => {
  it.each([
    { log: {}, keepMs: (7 * 24 + 1) * HOUR_MS, maxKeys: 100_000 },
    {
      log: { keepFor: "1d", trimSlack: "2h", maxKeys: 5_000 } as const,
      keepMs: 26 * HOUR_MS,
      maxKeys: 5_000,
    },
  ])(
    "with the options $log, trimming keeps $maxKeys log keys of the invalidation log for $keepMs ms: the sum of `keepFor` and `trimSlack`",
    async ({ log, keepMs, maxKeys }) => {
      const isolate = isolateWith({ log });
      const bodies: string[] = [];
      observeRequests((body) => void bodies.push(body));
      await isolate.layer.scheduled(isolate.request().ctx);
      expect(bodies.filter((body) => body.endsWith(`,"${keepMs}","${maxKeys}"]`))).toHaveLength(1);
    },
  );
});
