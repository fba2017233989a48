import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clearFaults, putFault } from "../writes/faults.ts";
import { createClient, type Client } from "./client.ts";

afterEach(clearFaults);

const AWAY = { errorRate: 1, status: 500 };

async function recommend(client: Client, id: number) {
  const response = await client.send(`/products/${id}/recommendations`);
  const { basis, items } = await response.json<{ basis: string; items: readonly unknown[] }>();
  return [response.status, basis, items.length, response.headers.get("Cache-Control")];
}

/** Asks for the level until it is `level`. A report checks the dependencies in the background. */
async function untilLevel(client: Client, level: string): Promise<void> {
  await vi.waitFor(async () => {
    const report = await (await client.send("/health")).json<{ level: string }>();
    expect(report.level).toBe(level);
  }, 15_000);
}

async function sqlQueriesOf(work: () => Promise<unknown>, table: string): Promise<number> {
  await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
  await work();
  const counts = await fetch(`${env.SERVICES_URL}/counts`);
  const { sql } = await counts.json<{ sql: { tables: Record<string, number> } }>();
  return sql.tables[table] ?? 0;
}

describe("GET /products/:id/recommendations while a dependency is away", () => {
  it("while Redis is away, the recommendations are the most viewed products, from the isolate's own tiers once they are loaded", async () => {
    const client = createClient();
    expect((await recommend(client, 1)).slice(0, 2)).toEqual([200, "product"]);
    await putFault("redis", AWAY);
    await untilLevel(client, "degraded");
    const popular = [200, "popular", 10, "no-store"];
    expect(await recommend(client, 1)).toEqual(popular);
    const queries = await sqlQueriesOf(async () => {
      expect(await recommend(client, 1_999)).toEqual(popular);
    }, "products");
    expect(queries).toBe(0);
    await clearFaults();
    await untilLevel(client, "normal");
    expect((await recommend(client, 1)).slice(0, 2)).toEqual([200, "product"]);
  });

  it("while the database is away, the recommendations are an empty list and not a 503, and return with the database", async () => {
    const client = createClient();
    await putFault("sql", AWAY);
    await untilLevel(client, "minimal");
    const queries = await sqlQueriesOf(async () => {
      expect(await recommend(client, 2)).toEqual([200, "none", 0, "no-store"]);
    }, "products");
    expect(queries).toBe(0);
    await clearFaults();
    await untilLevel(client, "normal");
    expect((await recommend(client, 2)).slice(0, 2)).toEqual([200, "product"]);
  });
});
