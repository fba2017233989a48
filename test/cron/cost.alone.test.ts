/** What a run of the cron trigger costs in Redis and SQL, and what a warm-up saves. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clearFaults, putFault } from "../writes/faults.ts";
import { createClient, type Client } from "../api/client.ts";
import { createTestContext } from "../support/context.ts";
import { redisCommand } from "../support/gateway.ts";

afterEach(clearFaults);
afterEach(() => void vi.restoreAllMocks());

interface Counts {
  readonly redis: { readonly requests: number; readonly commands: number };
  readonly sql: { readonly queries: number };
}

async function costOf(work: () => Promise<unknown>) {
  await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
  await work();
  const { redis, sql } = await (await fetch(`${env.SERVICES_URL}/counts`)).json<Counts>();
  return { requests: redis.requests, commands: redis.commands, queries: sql.queries };
}

async function trigger({ isolate }: Client): Promise<void> {
  const ctx = createTestContext();
  await isolate.layer.scheduled(ctx);
  await ctx.settle();
}

const ofNamespace = ({ isolate }: Client) =>
  createClient({ STRATA_NAMESPACE: isolate.layer.config.namespace });

const keyIn = ({ isolate }: Client, name: string) => `${isolate.layer.config.namespace}:${name}`;

describe("a run of the cron trigger", () => {
  it("a run with nothing to do costs the reference API 8 requests and 20 commands of Redis and 6 SQL queries, of which the leases are 3 requests and 9 commands", async () => {
    const client = createClient();
    await trigger(client);
    await trigger(client);
    expect(await costOf(() => trigger(client))).toEqual({ requests: 8, commands: 20, queries: 6 });
  });

  it("a run while Redis is away ends, and prints each task that failed", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
    const client = createClient();
    await putFault("redis", { errorRate: 1, status: 500 });
    await trigger(client);
    const failed = lines.flatMap((line) => /^cron (\S+): failed/.exec(line)?.[1] ?? []);
    expect(failed).toEqual(["trim", "filters", "warm-products"]);
  });
});

describe("the warm-up of the reference API", () => {
  it("a run warms the 1,000 products with the lowest ids with 10 SQL queries, and another isolate then answers for them without a query", async () => {
    const client = createClient();
    const cost = await costOf(() => trigger(client));
    // The relay has two queries, old ids three, live events one, and each of three filters one.
    expect(cost.queries).toBe(2 + 3 + 1 + 3 + 10);
    const reader = ofNamespace(client);
    const reads = await costOf(async () => {
      for (const id of [1, 500, 1_000]) {
        const response = await reader.send(`/products/${id}`);
        expect(response.headers.get("Cache-Status")).toContain("detail=redis");
      }
    });
    expect(reads.queries).toBe(0);
    expect(await redisCommand("EXISTS", keyIn(client, "e:product:1001"))).toBe(0);
  });

  it("a warm-up that fails after 400 products is continued at the product 401 by the next run of another isolate", async () => {
    const client = createClient();
    const { namespace } = client.isolate.layer.config;
    await redisCommand("SET", `${namespace}:cursor:warm-products`, "400 400");
    await trigger(ofNamespace(client));
    const keys = [400, 401, 1_000, 1_001].map((id) => `${namespace}:e:product:${id}`);
    const stored = await Promise.all(keys.map((one) => redisCommand("EXISTS", one)));
    expect(stored).toEqual([0, 1, 1, 0]);
  });

  it("a second run within 15 minutes does not repeat the warm-up, and a later run finds the products in Redis with 5 SQL queries", async () => {
    const client = createClient();
    await trigger(client);
    expect((await costOf(() => trigger(client))).queries).toBe(6);
    await redisCommand("DEL", keyIn(client, "lease:warm-products"));
    expect((await costOf(() => trigger(client))).queries).toBe(6 + 5);
  });
});
