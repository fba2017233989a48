/** Floods of requests, in SQL queries and Redis commands, as the local services count them. */
import { createTestContext } from "../support/context.ts";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { listProductIds } from "../../src/api/queries.ts";
import { addKey, createBloom, mayHold } from "../../src/core/bloom.ts";
import { createClient, type Client } from "./client.ts";

const FLOOD = 100;

interface Cost {
  readonly queries: number;
  readonly commands: number;
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
  await work();
  const counts = await fetch(`${env.SERVICES_URL}/counts`);
  const { sql, redis } = await counts.json<{
    sql: { queries: number };
    redis: { commands: number };
  }>();
  return { queries: sql.queries, commands: redis.commands };
}

/** Sends requests one after the other, and checks the status of each response. */
async function inTurn(client: Client, paths: readonly string[], status: number): Promise<void> {
  for (const path of paths) expect((await client.send(path)).status, path).toBe(status);
}

const numbered = (path: (n: number) => string): string[] =>
  Array.from({ length: FLOOD }, (_, n) => path(n));

async function runCron({ isolate }: Client): Promise<void> {
  const ctx = createTestContext();
  await isolate.layer.scheduled(ctx);
  await ctx.settle();
}

describe("floods", () => {
  it("100 concurrent requests for /health cause one SQL query", async () => {
    const client = createClient();
    await client.send("/products/1");
    const { queries, commands } = await costOf(() =>
      Promise.all(numbered(() => "/health").map((path) => client.send(path))),
    );
    expect(queries).toBe(1);
    expect(commands).toBeLessThanOrEqual(2);
  });

  it("100 requests for /health one after another cause at most one SQL query in each second", async () => {
    const client = createClient();
    await client.send("/products/1");
    const began = Date.now();
    const { queries, commands } = await costOf(() =>
      inTurn(
        client,
        numbered(() => "/health"),
        200,
      ),
    );
    const seconds = Math.ceil((Date.now() - began) / 1_000);
    expect(queries).toBeLessThanOrEqual(1 + seconds);
    expect(commands).toBeLessThanOrEqual(2 * (1 + seconds));
  });

  it("requests for the product lists of 100 made-up categories cause at most 15 SQL queries once the existence filter is loaded", async () => {
    const client = createClient();
    await runCron(client);
    await inTurn(client, ["/products?category=999999"], 200);
    const { queries, commands } = await costOf(() =>
      inTurn(
        client,
        numbered((n) => `/products?category=${1_000_000 + n}`),
        200,
      ),
    );
    // The filter lets one or two of 100 through on average; it is small, so this share varies.
    expect(queries).toBeLessThanOrEqual(15);
    expect(commands).toBeLessThanOrEqual(100);
  });

  it.each(["/products?page=", "/products?category=3&page="])(
    "100 requests for pages beyond the end of %s cause two SQL queries",
    async (list) => {
      const client = createClient();
      const { queries, commands } = await costOf(() =>
        inTurn(
          client,
          numbered((n) => `${list}${50_000 + n}`),
          200,
        ),
      );
      expect(queries).toBe(2);
      expect(commands).toBeLessThanOrEqual(50);
    },
  );

  it("100 requests for missing ids, which a client chose by a guessed hash seed of the existence filter, cause at most 10 SQL queries", async () => {
    const client = createClient();
    await runCron(client);
    await inTurn(client, ["/products/999999"], 404);
    // The client knows every id and how the filter hashes, but not the seed.
    const ids = await listProductIds(client.isolate.layer.db, 500_001);
    const guess = createBloom(ids.length, 0.01, [1, 2]);
    for (const id of ids) addKey(guess, `product:${id}`);
    const chosen: string[] = [];
    for (let id = 1_000_000; chosen.length < FLOOD; id++)
      if (mayHold(guess, `product:${id}`)) chosen.push(`/products/${id}`);
    const { queries, commands } = await costOf(() => inTurn(client, chosen, 404));
    expect(queries).toBeLessThanOrEqual(10);
    expect(commands).toBeLessThanOrEqual(80);
  });

  it("a client address that has read 100 users at /users?ids gets a 429 for more batches in the same minute", async () => {
    const client = createClient({ STRATA_DEV: "" });
    const statuses: number[] = [];
    const { queries } = await costOf(async () => {
      for (let batch = 0; batch < FLOOD; batch++) {
        const ids = numbered((n) => String(1_000_000 + batch * FLOOD + n)).join(",");
        const headers = { "CF-Connecting-IP": "192.0.2.1" };
        statuses.push((await client.send(`/users?ids=${ids}`, { headers })).status);
      }
    });
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 429)).toHaveLength(FLOOD - 1);
    expect(queries).toBe(1);
  });
});
