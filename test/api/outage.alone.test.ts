import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clearFaults, putFault } from "../writes/faults.ts";
import { backgroundContext } from "../../src/index.ts";
import { createClient, problemOf, type Client } from "./client.ts";

afterEach(clearFaults);

const AWAY = { errorRate: 1, status: 500 };

interface Counts {
  readonly redis: { readonly requests: number; readonly commands: number };
  readonly sql: { readonly requests: number; readonly queries: number };
}

/** The requests and queries that the local services received during `work`. */
async function costOf(work: () => Promise<unknown>): Promise<Counts> {
  await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
  await work();
  return (await fetch(`${env.SERVICES_URL}/counts`)).json<Counts>();
}

async function runCron(client: Client): Promise<void> {
  const deferred: Promise<unknown>[] = [];
  await client.isolate.layer.scheduled(backgroundContext((work) => deferred.push(work)));
  await Promise.all(deferred);
}

describe("while Redis is away", () => {
  it("a write while Redis is unavailable is committed, gets `X-Invalidation: deferred`, and reaches readers after a later cron trigger", async () => {
    const writer = createClient();
    const reader = createClient({ STRATA_NAMESPACE: writer.isolate.layer.config.namespace });
    const before = await (await reader.send("/products/1500")).json<{ stock: number }>();
    await writer.send("/products/1500");
    const stock = before.stock + 1;

    await putFault("redis", AWAY);
    const written = await writer.write("PATCH", "/products/1500/stock", { delta: 1 });
    expect(written.status).toBe(200);
    expect(written.headers.get("X-Invalidation")).toBe("deferred");
    // The isolate that wrote has invalidated its own entries.
    expect(await (await writer.send("/products/1500")).json()).toMatchObject({ stock });
    await clearFaults();

    await vi.waitFor(async () => {
      await runCron(writer);
      expect(await (await reader.send("/products/1500")).json()).toMatchObject({ stock });
    }, 10_000);
  });

  it("a purge while Redis is unavailable gets a 202 with `invalidation: deferred` in the body", async () => {
    const client = createClient();
    await client.send("/products/1501");
    await putFault("redis", AWAY);
    const response = await client.write("POST", "/admin/purge", { tags: ["product:1501"] });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ invalidation: "deferred" });
  });

  it("GET /health gets a 200 with the status `degraded` while Redis is unavailable", async () => {
    const client = createClient();
    await putFault("redis", AWAY);
    // Its checks end in the background.
    await client.send("/health");
    const response = await client.send("/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "degraded", checks: { redis: false } });
  });

  it("PUT /admin/degradation gets a 503 while Redis is unavailable, and the level of service stays", async () => {
    const client = createClient();
    await putFault("redis", AWAY);
    const response = await client.write("PUT", "/admin/degradation", { level: "minimal" });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ type: "urn:strata:problem:pin-unavailable" });
    expect(await (await client.send("/health")).json()).not.toMatchObject({ level: "minimal" });
  });

  it("reads succeed from the database while Redis is unavailable", async () => {
    const client = createClient();
    await putFault("redis", AWAY);
    expect((await client.send("/products/1502")).status).toBe(200);
    expect((await client.send("/users?ids=1,2")).status).toBe(200);
  });
});

describe("while the database is away", () => {
  it.each([
    ["POST", "/products", { name: "N", description: "", priceCents: 1, categoryId: 1, stock: 1 }],
    ["PUT", "/products/1", { name: "N", description: "", priceCents: 1, categoryId: 1, stock: 1 }],
    ["PATCH", "/products/1", { name: "N" }],
    ["PATCH", "/products/1/stock", { delta: 1 }],
    ["DELETE", "/products/1", undefined],
  ])(
    "%s %s while the database is unavailable gets a 503 with the problem type `write-unconfirmed`",
    async (method, path, body) => {
      const client = createClient();
      await putFault("sql", AWAY);
      const response = await client.write(method, path, body);
      expect(response.headers.get("Retry-After")).toBe("1");
      expect(await problemOf(response)).toMatchObject({
        status: 503,
        type: "urn:strata:problem:write-unconfirmed",
      });
    },
  );

  it.each([
    "/products/1503",
    "/products?page=7",
    "/categories",
    "/users/1503",
    "/users?ids=1503,1504",
  ])(
    "while the database is unavailable, %s gets a 503 if the response is not cached, and a 200 if the response is cached",
    async (path) => {
      const client = createClient();
      await putFault("sql", AWAY);
      const response = await client.send(path);
      expect(response.headers.get("Retry-After")).toBe("1");
      expect(await problemOf(response)).toMatchObject({
        status: 503,
        type: "urn:strata:problem:origin-unavailable",
      });
      await clearFaults();
      expect((await client.send(path)).status).toBe(200);
      await putFault("sql", AWAY);
      expect((await client.send(path)).status).toBe(200);
    },
  );

  it("POST /admin/purge gets a 200 while the database is unavailable", async () => {
    const client = createClient();
    await putFault("sql", AWAY);
    const response = await client.write("POST", "/admin/purge", { everything: true });
    expect(response.status).toBe(200);
  });

  it("GET /health gets a 503 with the status `down` while the database is unavailable", async () => {
    const client = createClient();
    await putFault("sql", AWAY);
    await client.send("/health");
    const response = await client.send("/health");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: "down", checks: { database: false } });
  });
});

describe("while Redis and the database are away", () => {
  it("a purge while Redis and the database are both unavailable gets a 503, because neither can store the purge", async () => {
    const client = createClient();
    await Promise.all([putFault("sql", AWAY), putFault("redis", AWAY)]);
    const response = await client.write("POST", "/admin/purge", { everything: true });
    expect((await problemOf(response)).status).toBe(503);
    expect(response.headers.has("Retry-After")).toBe(true);
  });
});

describe("requests and queries", () => {
  it("three reads of a product that does not exist cause one SQL query", async () => {
    const client = createClient();
    const cost = await costOf(async () => {
      for (let times = 0; times < 3; times++) await client.send("/products/2000000001");
    });
    expect(cost.sql.queries).toBe(1);
  });

  it("a request with a malformed id causes no Redis request and no SQL query", async () => {
    const client = createClient();
    const cost = await costOf(() => client.send("/products/abc"));
    expect([cost.redis.requests, cost.sql.requests]).toEqual([0, 0]);
  });

  it("a batch of 100 users costs one SQL query, then one Redis request in a second isolate, and no request when that isolate repeats it", async () => {
    const namespace = createClient().isolate.layer.config.namespace;
    const ids = Array.from({ length: 100 }, (_, at) => at + 2_001).join(",");
    const first = createClient({ STRATA_NAMESPACE: namespace });
    const second = createClient({ STRATA_NAMESPACE: namespace });
    const cold = await costOf(() => first.send(`/users?ids=${ids}`));
    expect(cold.sql.queries).toBe(1);
    const warm = await costOf(() => second.send(`/users?ids=${ids}`));
    expect([warm.redis.requests, warm.sql.requests]).toEqual([1, 0]);
    const hot = await costOf(() => second.send(`/users?ids=${ids}`));
    expect([hot.redis.requests, hot.sql.requests]).toEqual([0, 0]);
  });

  it("a cold page of a product list causes two SQL queries, and a page beyond the last page causes two", async () => {
    const client = createClient();
    const shown = await costOf(() => client.send("/products?page=8"));
    // One query reads the ids and the total, and one the products.
    expect(shown.sql.queries).toBe(2);
    // Beyond the last page the total needs a second query.
    const behind = await costOf(() => client.send("/products?page=8&category=5"));
    expect(behind.sql.queries).toBe(2);
  });

  it("a write without a live event causes one SQL transaction, one invalidation in Redis and one SQL update of the outbox", async () => {
    const client = createClient();
    await client.send("/products/1505");
    const write = () => client.write("PATCH", "/products/1505", { priceCents: 1_505 });
    // The first write of an isolate asks whether an operator has pinned the level of service.
    const first = await costOf(write);
    expect([first.redis.requests, first.sql.requests]).toEqual([2, 2]);
    const spent = await costOf(write);
    expect([spent.redis.requests, spent.sql.requests]).toEqual([1, 2]);
  });

  // The request for the channel, which follows the answer, is counted in test/api/stock.alone.test.ts.
  it("a write of a stock causes one SQL request more, which deletes the live event that the object of the product has", async () => {
    const client = createClient();
    const write = () => client.write("PATCH", "/products/1506/stock", { delta: 1 });
    await write();
    expect((await costOf(write)).sql.requests).toBe(3);
  });
});
