import { setTimeout as pause } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import type { Answer } from "./support/client.ts";
import { runLoad, steadyRate, type Report } from "./support/load.ts";
import type { Product } from "./support/product.ts";
import type { Fault } from "./support/services.ts";
import { products } from "./support/shared-products.ts";
import { readShop, type Shop } from "./support/shop.ts";
import { createTraffic } from "./support/traffic.ts";
import { until } from "./support/waiting.ts";

/** The time limit of a read without Redis: its deadline of 1 s may pass twice in a lookup. */
const WITHOUT_REDIS_MS = 5_000;
/** The time limit of any read: twice a load's limit of 5 s, and an allowance for a busy machine. */
const AT_ALL_MS = 12_000;
/** The time after an outage in which a cold read may still fail. */
const RECOVERY_MS = 5_000;

/** The time limit of a load: the policies' `originTimeout`, less an allowance for early timers. */
const LOAD_MS = 4_900;

const FOR_MS = 2_000;

interface Outage {
  readonly name: string;
  readonly redis?: Fault;
  readonly sql?: Fault;
  /** Runs while the load is under way. */
  readonly meanwhile?: () => Promise<unknown>;
  readonly withinMs: number;
  /** Whether loads from the origin fail during the outage. */
  readonly unavailable: "never" | "sometimes" | "always";
}

let product: Product;
let shop: Shop;
const traffic = createTraffic();

const OUTAGES: readonly Outage[] = [
  {
    name: "Redis resets every connection",
    redis: { reset: true },
    withinMs: WITHOUT_REDIS_MS,
    unavailable: "never",
  },
  {
    name: "Redis hangs",
    redis: { hang: "before" },
    withinMs: WITHOUT_REDIS_MS,
    unavailable: "never",
  },
  {
    name: "Redis hangs after it has executed",
    redis: { hang: "after" },
    withinMs: WITHOUT_REDIS_MS,
    unavailable: "never",
  },
  {
    name: "Redis answers 500",
    redis: { status: 500 },
    withinMs: WITHOUT_REDIS_MS,
    unavailable: "never",
  },
  {
    name: "Redis truncates every answer",
    redis: { truncate: true },
    withinMs: WITHOUT_REDIS_MS,
    unavailable: "never",
  },
  {
    name: "Redis is flushed ten times",
    meanwhile: async () => {
      for (let flushes = 0; flushes < 10; flushes++) await product.services.redis("FLUSHALL");
    },
    withinMs: WITHOUT_REDIS_MS,
    unavailable: "never",
  },
  { name: "SQL answers 500", sql: { status: 500 }, withinMs: AT_ALL_MS, unavailable: "always" },
  {
    name: "SQL resets every connection",
    sql: { reset: true },
    withinMs: AT_ALL_MS,
    unavailable: "always",
  },
  { name: "SQL hangs", sql: { hang: "before" }, withinMs: AT_ALL_MS, unavailable: "always" },
  {
    name: "a third of everything fails",
    redis: { errorRate: 0.3 },
    sql: { errorRate: 0.3 },
    withinMs: AT_ALL_MS,
    unavailable: "sometimes",
  },
  {
    name: "Redis hangs and SQL answers 500",
    redis: { hang: true },
    sql: { status: 500 },
    withinMs: AT_ALL_MS,
    unavailable: "always",
  },
];

products.beforeAll(async ({ shopWithCron }) => {
  product = shopWithCron;
  shop = await readShop(product.services);
});

describe("outages under load", () => {
  it.each(OUTAGES)(
    "when $name, each read gets a correct response or a 503 within a time limit, and reads recover after the outage",
    async (outage) => {
      const { services, urls } = product;
      const perSecond = await steadyRate(urls, shop, traffic.hot);
      if (outage.redis !== undefined) await services.fault("redis", outage.redis);
      if (outage.sql !== undefined) await services.fault("sql", outage.sql);
      let report: Report;
      let recoveredMs: number;
      try {
        const load = runLoad({
          urls,
          shop,
          perSecond,
          forMs: FOR_MS,
          path: traffic.mixed,
        });
        await outage.meanwhile?.();
        report = await load;
      } finally {
        await services.heal();
        recoveredMs = await recovery();
      }
      console.info(
        `${outage.name}, ${perSecond}/s: ${JSON.stringify(report)}; recovered after ${recoveredMs} ms`,
      );
      expect(report.wrong).toEqual([]);
      expect(report.slowestMs).toBeLessThan(outage.withinMs);
      expect(report.statuses["200"]).toBeGreaterThan(report.sent / 3);
      const unavailable = report.statuses["503"] ?? 0;
      // A 503 after the whole time limit of a load is due to a slow machine, not to the outage.
      if (outage.unavailable === "never" && unavailable > 0)
        expect(report.soonest503Ms).toBeGreaterThan(LOAD_MS);
      if (outage.unavailable === "always") expect(unavailable).toBeGreaterThan(0);
    },
  );
});

describe("writes during outages", () => {
  // At the level minimal, which the outages above cause, writes are refused. It ends within 10 s.
  beforeEach(levelNormal);

  it("a write while Redis hangs is committed, and both Worker instances show the new value after Redis recovers", async () => {
    const client = product.client();
    for (const instance of [0, 1]) await client.get(instance, "/products/1990");
    await product.services.fault("redis", { hang: "before" });
    const written = await client.write(0, "PATCH", "/products/1990", { stock: 4_242 });
    expect(written.status).toBe(200);
    expect(written.headers["x-invalidation"]).toBe("deferred");
    expect(written.endedAt - written.startedAt).toBeLessThan(WITHOUT_REDIS_MS);
    expect(stockOf(await client.get(0, "/products/1990"))).toBe(4_242);
    await product.services.heal();
    const seen = await Promise.all(
      [0, 1].map((instance) =>
        until(
          async () => stockOf(await product.client().get(instance, "/products/1990")),
          is(4_242),
          10_000,
        ),
      ),
    );
    console.info(
      `a deferred write was seen after ${seen.map(({ tookMs }) => Math.round(tookMs)).join(" and ")} ms`,
    );
  });

  it("a write whose SQL response is lost gets a 503 of the type `write-unconfirmed`, and both Worker instances show the committed row", async () => {
    const client = product.client();
    for (const instance of [0, 1]) await client.get(instance, "/products/1991");
    await product.services.fault("sql", { hang: "after" });
    const written = await client.write(0, "PATCH", "/products/1991", { stock: 4_243 });
    await product.services.heal();
    expect(written.status).toBe(503);
    expect(JSON.parse(written.body)).toMatchObject({
      type: "urn:strata:problem:write-unconfirmed",
    });
    expect(written.headers["retry-after"]).toMatch(/^\d+$/);
    expect(written.endedAt - written.startedAt).toBeLessThan(AT_ALL_MS);
    for (const instance of [0, 1])
      await until(
        async () => stockOf(await product.client().get(instance, "/products/1991")),
        is(4_243),
        10_000,
      );
  });

  it("a write while the database answers 500 gets a 503 and changes no row", async () => {
    const client = product.client();
    const before = stockOf(await client.get(0, "/products/1992"));
    await product.services.fault("sql", { status: 500 });
    const written = await client.write(0, "PATCH", "/products/1992", { stock: before + 1 });
    expect(written.status).toBe(503);
    await product.services.heal();
    await recovery();
    for (const instance of [0, 1])
      expect(stockOf(await client.get(instance, "/products/1992"))).toBe(before);
  });
});

describe("SQL that hangs", () => {
  it("after at least 16 loads of one isolate have ended at their time limit, the breaker of SQL is open: further cold reads get a 503 without a query", async () => {
    const { services } = product;
    const cold = (): Promise<Answer> => product.client().get(0, `/products/${traffic.cold()}`);
    await services.fault("sql", { hang: "before" });
    try {
      // An isolate whose loads have failed runs eight at a time, and refuses the others early.
      for (let round = 0; round < 2; round++) {
        const answers = await Promise.all(Array.from({ length: 12 }, cold));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
      }
      // The requests to SQL end by their own time limit, a moment after the loads.
      await pause(500);
      const before = (await services.used()).sql;
      const later = await Promise.all(Array.from({ length: 8 }, cold));
      expect(new Set(later.map(({ status }) => status))).toEqual(new Set([503]));
      // The breaker itself sends at most two probes a second.
      expect((await services.used()).sql - before).toBeLessThan(8);
    } finally {
      await services.heal();
      await recovery();
      await levelNormal();
    }
  });
});

/** Waits until both instances are at the level of service normal. */
async function levelNormal(): Promise<void> {
  for (const instance of [0, 1])
    await until(
      async () => JSON.parse((await product.client().get(instance, "/health")).body) as unknown,
      (health) => (health as { level?: string }).level === "normal",
      20_000,
    );
}

/** Measures how long until a cold read on each instance succeeds and is stored. */
async function recovery(): Promise<number> {
  const took = await Promise.all(
    product.urls.map((_url, instance) =>
      until(
        () => product.client().get(instance, `/products/${traffic.cold()}`),
        ({ status, headers }) =>
          status === 200 && /stored|detail=redis/.test(headers["cache-status"] ?? ""),
        RECOVERY_MS,
      ),
    ),
  );
  return Math.round(Math.max(...took.map(({ tookMs }) => tookMs)));
}

function stockOf(answer: Answer): number {
  return (JSON.parse(answer.body) as { stock: number }).stock;
}

function is(expected: number): (value: number) => boolean {
  return (value) => value === expected;
}
