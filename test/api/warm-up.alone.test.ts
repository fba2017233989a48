/** The warm-up of the reference API: when it runs, what it loads, and what it costs. */
import { Hono } from "hono";
import { env } from "cloudflare:workers";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { userKind } from "../../src/api/kinds.ts";
import { listFrequentUserIds, listPopularIds } from "../../src/api/queries.ts";
import { defineWarmUp } from "../../src/api/warm-up.ts";
import type { Strata, StrataEnv, WarmProgress } from "../../src/index.ts";
import { interceptSql } from "../failures/sql-network.ts";
import { createTestContext } from "../support/context.ts";
import { redisCommand } from "../support/gateway.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";
import { createTestLayer } from "../support/layer.ts";
import { clearFaults, putFault } from "../writes/faults.ts";
import { testDatabase } from "../writes/database.ts";
import { ADMIN, createClient } from "./client.ts";
import { createObservedApi } from "./observed.ts";

afterEach(clearFaults);

const db = testDatabase();

async function trigger({
  isolate,
}: {
  readonly isolate: { readonly layer: Pick<Strata, "scheduled"> };
}): Promise<void> {
  const ctx = createTestContext();
  await isolate.layer.scheduled(ctx);
  await ctx.settle();
}

/** Counts how often the two lists of the warm-up, those of products and of users, are asked for. */
async function warmUpsIn(
  work: () => Promise<unknown>,
): Promise<{ products: number; users: number }> {
  const network = interceptSql();
  try {
    await work();
  } finally {
    network.restore();
  }
  const countOf = (part: string) => network.sent.filter((text) => text.includes(part)).length;
  return {
    products: countOf('left join \\"product_views\\"'),
    users: countOf('login_count\\" desc'),
  };
}

const ONCE = { products: 1, users: 1 };
const NEVER = { products: 0, users: 0 };

/** The reference application with its warm-up, on a Redis that a busy machine does not make slow. */
function createShop(namespace = uniqueNamespace(), version = "") {
  const layer = createTestLayer({
    now: () => Date.now(),
    bindings: { STRATA_NAMESPACE: namespace },
  });
  defineWarmUp(layer.cron, layer, version);
  const app = createApp({
    ...layer,
    scope: layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)),
    dashboard: undefined,
    front: undefined,
    assets: undefined,
    runDry: () => Promise.reject(new Error("no dry runs here")),
  });
  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const ctx = createExecutionContext();
    const response = await app.fetch(new Request(`http://strata.test${path}`, init), env, ctx);
    const body = await response.arrayBuffer();
    await waitOnExecutionContext(ctx);
    return new Response(body, response);
  }
  const post = (path: string, body: unknown) =>
    send(path, {
      method: "POST",
      headers: { ...ADMIN, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  return { isolate: { layer }, send, post, neighbour: () => createShop(namespace, version) };
}

describe("the warm-up by the cron trigger", () => {
  it("the warm-up runs once in 15 minutes, whatever isolate the cron trigger calls", async () => {
    const client = createShop();
    expect(await warmUpsIn(() => trigger(client))).toEqual(ONCE);
    expect(await warmUpsIn(() => trigger(client))).toEqual(NEVER);
    expect(await warmUpsIn(() => trigger(client.neighbour()))).toEqual(NEVER);
  });

  it("after 15 minutes the warm-up finds its rows in Redis, and costs one query for each of the two lists", async () => {
    const client = createShop();
    const { namespace } = client.isolate.layer.config;
    // A second run goes on if the time of the first one was used up.
    const warmUp = async () => {
      await trigger(client);
      await trigger(client);
    };
    await warmUp();
    // Redis ends the note.
    await redisCommand("DEL", `${namespace}:e:warm-up:any`);
    const network = interceptSql();
    await warmUp();
    network.restore();
    const rows = network.sent.filter((text) => text.includes('\\"id\\" in ('));
    expect(network.sent.filter((text) => text.includes("login_count"))).toHaveLength(1);
    expect(rows).toEqual([]);
  });

  it("the warm-up runs again after a deployment of another version, and then not again", async () => {
    const client = createShop(uniqueNamespace(), "1");
    await trigger(client);
    const deployed = createShop(client.isolate.layer.config.namespace, "2");
    expect(await warmUpsIn(() => trigger(deployed))).toEqual(ONCE);
    expect(await warmUpsIn(() => trigger(deployed))).toEqual(NEVER);
  });

  it("the note of the warm-up names the version of the binding CF_VERSION_METADATA", async () => {
    const client = createClient({ CF_VERSION_METADATA: { id: "7" } });
    await trigger(client);
    const note = `${client.isolate.layer.config.namespace}:e:warm-up:7`;
    expect(await redisCommand("EXISTS", note)).toBe(1);
  });

  it("the warm-up runs again after a purge of everything", async () => {
    const client = createShop();
    await trigger(client);
    await client.post("/admin/purge", { everything: true });
    expect(await warmUpsIn(() => trigger(client))).toEqual(ONCE);
    expect(await warmUpsIn(() => trigger(client))).toEqual(NEVER);
  });

  it("the warm-up does not run again after a purge of the tag `products`", async () => {
    const client = createShop();
    await trigger(client);
    await client.post("/admin/purge", { tags: ["products"] });
    expect(await warmUpsIn(() => trigger(client))).toEqual(NEVER);
  });

  it("the warm-up runs again after Redis has been flushed", async () => {
    const client = createShop();
    await trigger(client);
    await redisCommand("FLUSHALL");
    expect(await warmUpsIn(() => trigger(client.neighbour()))).toEqual(ONCE);
    const [hottest = 0] = await listPopularIds(db, 1);
    const read = await client.neighbour().send(`/products/${hottest}`);
    expect(read.headers.get("Cache-Status")).toContain("detail=redis");
  });

  it("the warm-up runs again after the log has lost its era and the entries are still in Redis", async () => {
    const client = createShop();
    await trigger(client);
    await redisCommand("DEL", `${client.isolate.layer.config.namespace}:inv`);
    expect(await warmUpsIn(() => trigger(client.neighbour()))).toEqual(ONCE);
  });

  it("of two isolates that run the cron trigger at once, one warms", async () => {
    const client = createShop();
    const both = () => Promise.all([trigger(client), trigger(client.neighbour())]);
    expect(await warmUpsIn(both)).toEqual(ONCE);
  });

  it("a warm-up whose queries fail is repeated by the next run, which then warms the users too", async () => {
    const client = createShop();
    await putFault("sql", { errorRate: 1 });
    await trigger(client);
    await clearFaults();
    expect(await warmUpsIn(() => trigger(client.neighbour()))).toEqual(ONCE);
    const [frequent = 0] = await listFrequentUserIds(db, 1);
    const read = await client.neighbour().send(`/users/${frequent}`);
    expect(read.headers.get("Cache-Status")).toContain("detail=redis");
  });

  it("a warm-up that was interrupted and whose cursor is lost is repeated by the next run", async () => {
    const client = createShop();
    await putFault("sql", { errorRate: 1 });
    await trigger(client);
    await clearFaults();
    await redisCommand("DEL", `${client.isolate.layer.config.namespace}:cursor:warm-up`);
    expect(await warmUpsIn(() => trigger(client.neighbour()))).toEqual(ONCE);
    expect(await warmUpsIn(() => trigger(client.neighbour()))).toEqual(NEVER);
  });

  it("a warm-up during which everything is purged is repeated by the next run, and then not again", async () => {
    const client = createShop();
    await putFault("sql", { errorRate: 1 });
    await trigger(client);
    await clearFaults();
    await client.post("/admin/purge", { everything: true });
    for (const expected of [ONCE, ONCE, NEVER])
      expect(await warmUpsIn(() => trigger(client))).toEqual(expected);
  });

  it("the warm-up loads the products that the isolates read most, also those with few views", async () => {
    const namespace = uniqueNamespace();
    const popular = new Set(await listPopularIds(db, 1_000));
    const rare = [1_990, 1_991, 1_992].find((id) => !popular.has(id)) ?? 0;
    const api = createObservedApi({}, namespace);
    const ip = "192.0.2.7";
    for (let n = 0; n < 20; n++)
      expect((await api.send(`/products/${rare}`, { ip })).status).toBe(200);
    const purge = { method: "POST", body: { everything: true }, ip };
    expect((await api.ask(env.ADMIN_TOKEN, "/admin/purge", purge)).status).toBe(200);
    expect((await api.send("/categories", { ip })).status).toBe(200);
    expect(await api.layer.metrics.hottest([`product:${rare}`, "product:1"])).toEqual([
      `product:${rare}`,
    ]);

    defineWarmUp(api.layer.cron, api.layer, "");
    const ctx = createTestContext();
    await api.layer.scheduled(ctx);
    await ctx.settle();

    const reader = createShop(namespace);
    const read = await reader.send(`/products/${rare}`);
    expect(read.headers.get("Cache-Status")).toContain("detail=redis");
    const [, unread = 0] = [1_990, 1_991, 1_992].filter((id) => !popular.has(id));
    expect((await reader.send(`/products/${unread}`)).headers.get("X-Cache-Status")).toBe("MISS");
  });
});

describe("POST /admin/warm with the kind hottest", () => {
  it("a new isolate then answers for the most viewed products and the most frequent users without a query", async () => {
    const client = createShop();
    const response = await client.post("/admin/warm", { kind: "hottest" });
    const lines = (await response.text()).trim().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual({ finished: true, loaded: 1_200 });

    const [products, users] = [await listPopularIds(db, 1_000), await listFrequentUserIds(db, 200)];
    const reader = client.neighbour();
    const network = interceptSql();
    const found = [];
    for (const path of [
      ...[products[0], products[999]].map((id) => `/products/${id}`),
      ...[users[0], users[199]].map((id) => `/users/${id}`),
    ])
      found.push((await reader.send(path)).headers.get("X-Cache-Status"));
    network.restore();
    expect(found).toEqual(["HIT", "HIT", "HIT", "HIT"]);
    expect(network.sent).toEqual([]);
  });

  it("a second warm-up of the hottest rows finds them in Redis, with one query for each of the two lists", async () => {
    const client = createShop();
    await client.post("/admin/warm", { kind: "hottest" });
    const network = interceptSql();
    const response = await client.post("/admin/warm", { kind: "hottest" });
    network.restore();
    const last = (await response.text()).trim().split("\n").at(-1) ?? "";
    expect(JSON.parse(last)).toEqual({ finished: true, present: 1_200 });
    expect(network.sent).toHaveLength(2);
  });

  it("a list of ids with the kind hottest gets a 400 that names the field", async () => {
    const client = createShop();
    const response = await client.post("/admin/warm", { kind: "hottest", ids: [1] });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("ids: must be absent");
  });
});

describe("the cost of a warm-up of 100 users", () => {
  interface Counts {
    readonly redis: { readonly requests: number };
    readonly sql: { readonly requests: number; readonly queries: number };
  }

  it("100 users cost one SQL query, one Redis request that reads them and one that writes them, and a repetition costs one Redis request", async () => {
    const clock = createTestClock();
    const layer = createTestLayer({
      now: clock.now,
      bindings: { STRATA_NAMESPACE: uniqueNamespace() },
    });
    const app = new Hono<StrataEnv>();
    app.use(layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)));
    const ids = Array.from({ length: 100 }, (_, at) => at + 1);
    app.get("/warm", async (c) => {
      const rounds: WarmProgress[] = [];
      for await (const round of userKind.warm(ids, layer.db, c.var.strata.cache))
        rounds.push(round);
      return c.json([...new Set(rounds.flatMap(({ results }) => [...results.values()]))]);
    });
    async function warm(): Promise<{ results: unknown; cost: object }> {
      await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
      const ctx = createExecutionContext();
      const response = await app.fetch(new Request("http://strata.test/warm"), env, ctx);
      const results = await response.json();
      await waitOnExecutionContext(ctx);
      const { redis, sql } = await (await fetch(`${env.SERVICES_URL}/counts`)).json<Counts>();
      return { results, cost: { redis: redis.requests, sql: sql.queries } };
    }
    // Creates the log of the namespace.
    await layer.logReachable(createTestContext());
    expect(await warm()).toEqual({ results: ["loaded"], cost: { redis: 2, sql: 1 } });
    expect(await warm()).toEqual({ results: ["present"], cost: { redis: 1, sql: 0 } });
  });
});
