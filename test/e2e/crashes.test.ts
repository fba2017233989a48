import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findRedisServer } from "../../dev/redis/server-process.ts";
import { send } from "./support/client.ts";
import { runLoad, steadyRate } from "./support/load.ts";
import { runtimeOf, signalAll } from "./support/processes.ts";
import { startProduct, type Product } from "./support/product.ts";
import { createKillableRedis } from "./support/redis-server.ts";
import { readShop, type Shop } from "./support/shop.ts";
import { createTraffic } from "./support/traffic.ts";
import { until } from "./support/waiting.ts";

/** A 503 after less than a load's time limit is a failure. After more, the machine was too slow. */
const LOAD_MS = 4_900;
/** A read's deadline of 10 s, twice that of a load, plus an allowance for a busy machine. */
const AT_ALL_MS = 13_000;
/** One second for the lease, a load, and an allowance for a busy machine. */
const FIRST_MISS_MS = 4_000;
const RECOVERY_MS = 10_000;
/** wrangler restarts its runtime. The supervisor waits for that before it stops everything. */
const COMEBACK_MS = 40_000;

/** A real Redis, if this machine has one. The embedded one cannot be killed alone. */
const server = findRedisServer();
const redis =
  server === undefined ? undefined : createKillableRedis(server, 10_000 + (process.pid % 900));

let product: Product;
let shop: Shop;
const traffic = createTraffic();
beforeAll(async () => {
  await redis?.start();
  product = await startProduct({
    cronSeconds: 2,
    env: redis === undefined ? {} : { LOCAL_REDIS: redis.url },
  });
  shop = await readShop(product.services);
});
afterAll(async () => {
  await product?.stop();
  await redis?.kill();
});

describe.each(redis === undefined ? [] : [redis])("a Redis that is killed", (redis) => {
  it("reads stay correct after Redis is killed, and both Worker instances show a write from that time once an empty Redis has started", async () => {
    const { urls } = product;
    const client = product.client();
    for (const instance of [0, 1]) await client.get(instance, "/products/1990");
    const perSecond = await steadyRate(urls, shop, traffic.hot);
    const underWay = hasGrown((await product.services.used()).redis + 15);
    const load = runLoad({ urls, shop, perSecond, forMs: 5_000, path: traffic.mixed });
    await until(() => product.services.used(), underWay, 10_000);
    await redis.kill();
    const written = await client.write(0, "PATCH", "/products/1990", { stock: 4_242 });
    expect(written.status).toBe(200);
    expect(written.headers["x-invalidation"]).toBe("deferred");
    const report = await load;
    // The new Redis is empty: the invalidation log is lost.
    await redis.start();
    const seen = await Promise.all(
      [0, 1].map((instance) => until(() => stock(instance, 1990), is(4_242), RECOVERY_MS)),
    );
    console.info(
      `${JSON.stringify(report)}; seen after ${seen.map(({ tookMs }) => Math.round(tookMs)).join(" and ")} ms`,
    );
    expect(report.wrong).toEqual([]);
    if (report.soonest503Ms !== undefined) expect(report.soonest503Ms).toBeGreaterThan(LOAD_MS);
    expect(report.slowestMs).toBeLessThan(AT_ALL_MS);
    await until(
      () => product.client().get(1, `/products/${traffic.cold()}`),
      ({ headers }) => /stored/.test(headers["cache-status"] ?? ""),
      RECOVERY_MS,
    );
  });
});

describe("an instance that runs the Durable Objects", () => {
  let frozen: number[] = [];
  afterEach(() => signalAll(frozen, "SIGCONT"));

  it("while the Worker instance that hosts the Durable Objects is frozen, a second Worker instance answers reads correctly", async () => {
    const [, second = ""] = product.urls;
    const perSecond = await steadyRate([second], shop, traffic.hot);
    frozen = runtimeOf(product.port);
    expect(frozen).not.toEqual([]);
    signalAll(frozen, "SIGSTOP");
    // The first miss waits for a lease, not for the time limit of a load.
    const firstMs = await timed(`/products/${traffic.cold()}`);
    console.info(`the first miss took ${Math.round(firstMs)} ms`);
    expect(firstMs).toBeLessThan(FIRST_MISS_MS);
    const report = await runLoad({
      urls: [second],
      shop,
      perSecond,
      forMs: 2_000,
      path: traffic.mixed,
    });
    signalAll(frozen, "SIGCONT");
    console.info(`frozen: ${JSON.stringify(report)}`);
    expect(report.wrong).toEqual([]);
    expect(report.slowestMs).toBeLessThan(AT_ALL_MS);
    const { tookMs } = await until(
      () => timed(`/products/${traffic.cold()}`),
      (ms) => ms < 1_000,
      RECOVERY_MS,
    );
    console.info(`coalesced again after ${Math.round(tookMs)} ms`);
  });

  it("when the Worker instance of the Durable Objects is killed, a second one reads correctly, and `npm run dev` restarts the killed one or stops with an error", async () => {
    const [first = "", second = ""] = product.urls;
    const perSecond = await steadyRate([second], shop, traffic.hot);
    signalAll(runtimeOf(product.port), "SIGKILL");
    const report = await runLoad({
      urls: [second],
      shop,
      perSecond,
      forMs: 3_000,
      path: traffic.mixed,
    });
    console.info(`killed: ${JSON.stringify(report)}`);
    expect(report.wrong).toEqual([]);
    expect(report.slowestMs).toBeLessThan(AT_ALL_MS);
    const back = until(() => answers(first), Boolean, COMEBACK_MS, 250).then(() => "back");
    const how = await Promise.race([back, product.ended.catch(String)]);
    back.catch(() => undefined);
    if (how !== "back")
      expect(product.output()).toContain("Worker instance 1 did not recover from a crash");
  });
});

function answers(url: string): Promise<boolean> {
  return send(url, "/products/1", { signal: AbortSignal.timeout(1_000) }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

async function stock(instance: number, id: number): Promise<number> {
  const { body } = await product.client().get(instance, `/products/${id}`);
  return (JSON.parse(body) as { stock: number }).stock;
}

async function timed(path: string): Promise<number> {
  const { startedAt, endedAt, status } = await product.client().get(1, path);
  return status === 200 ? endedAt - startedAt : Number.POSITIVE_INFINITY;
}

function hasGrown(to: number): (used: { redis: number }) => boolean {
  return ({ redis: requests }) => requests > to;
}

function is(expected: number): (value: number) => boolean {
  return (value) => value === expected;
}
