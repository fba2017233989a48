/** What a write of a product costs the readers of a shop, in SQL queries and Redis requests. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { newCategories, newProduct, testDatabase } from "../writes/database.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";
import { createTestLayer } from "../support/layer.ts";
import { ADMIN } from "./client.ts";

interface Counts {
  readonly redis: { readonly requests: number };
  readonly sql: { readonly queries: number };
}

/** The reference application on a clock that stands still, so that no sync of the log is due. */
function createStillApi() {
  const clock = createTestClock();
  clock.stop();
  const layer = createTestLayer({
    now: clock.now,
    bindings: { STRATA_NAMESPACE: uniqueNamespace() },
  });
  const app = createApp({
    ...layer,
    scope: layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)),
    dashboard: undefined,
    front: undefined,
    assets: undefined,
    runDry: () => Promise.reject(new Error("no dry runs here")),
  });
  async function send(path: string, init: RequestInit = {}): Promise<string> {
    const ctx = createExecutionContext();
    const response = await app.fetch(new Request(`http://strata.test${path}`, init), env, ctx);
    await response.arrayBuffer();
    await waitOnExecutionContext(ctx);
    return response.headers.get("X-Cache-Status") ?? String(response.status);
  }
  return { send };
}

async function costOf(work: () => Promise<unknown>) {
  await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
  await work();
  const { redis, sql } = await (await fetch(`${env.SERVICES_URL}/counts`)).json<Counts>();
  return { redis: redis.requests, sql: sql.queries };
}

it("of 40 cached pages of a shop, a write of one product costs its page and the list that shows it one query together, and the other 38 pages nothing", async () => {
  const db = testDatabase();
  const [here = 0, ...elsewhere] = await newCategories(db, 8);
  const written = await newProduct(db, here);
  const others: number[] = [];
  for (const category of [here, ...elsewhere])
    for (let n = 0; n < 3; n++) others.push(await newProduct(db, category));
  const showing = [`/products?category=${here}`, `/products/${written}`];
  const rest = [
    ...elsewhere.map((category) => `/products?category=${category}`),
    ...others.map((id) => `/products/${id}`),
    ...[1, 2, 3, 4, 5].map((page) => `/products?page=${page}`),
    "/categories",
    "/settings",
  ];
  expect(showing.length + rest.length).toBe(40);
  const { send } = createStillApi();
  const write = () =>
    send(`/products/${written}`, {
      method: "PATCH",
      headers: { ...ADMIN, "Content-Type": "application/json" },
      body: JSON.stringify({ priceCents: 250 }),
    });
  // The first write of an isolate also asks for the level of service that an operator has set.
  await write();
  for (const path of [...showing, ...rest]) await send(path);

  // The invalidation of one tag.
  expect((await costOf(write)).redis).toBe(1);

  const statuses: string[] = [];
  const readAll = (paths: readonly string[]) => async () => {
    for (const path of paths) statuses.push(await send(path));
  };
  expect(await costOf(readAll(rest))).toEqual({ redis: 0, sql: 0 });
  expect(new Set(statuses.splice(0))).toEqual(new Set(["HIT"]));
  // Redis is asked for the response and for the product, and gets both. The product's page finds it in memory.
  expect(await costOf(readAll(showing))).toEqual({ redis: 4, sql: 1 });
  expect(statuses.splice(0)).toEqual(["MISS", "HIT"]);
  expect(await costOf(readAll(showing))).toEqual({ redis: 0, sql: 0 });
  expect(statuses).toEqual(["HIT", "HIT"]);
});
