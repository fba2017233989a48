/** What a run of the cron trigger costs in Redis and SQL, and what a warm-up saves. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { listFrequentUserIds, listPopularIds } from "../../src/api/queries.ts";
import { clearFaults, putFault } from "../writes/faults.ts";
import { createClient, type Client } from "../api/client.ts";
import { createTestContext } from "../support/context.ts";
import { redisCommand } from "../support/gateway.ts";

afterEach(clearFaults);
afterEach(() => void vi.restoreAllMocks());

const TELEMETRY_ON: Readonly<Record<string, string>> = { OTEL_SDK_DISABLED: "" };

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
  it("a run with nothing to do costs the reference API 11 requests and 28 commands of Redis and 6 SQL queries, of which the leases are 4 requests and 12 commands, and the figures of the server 1 of each", async () => {
    const client = createClient(TELEMETRY_ON);
    await trigger(client);
    await trigger(client);
    expect(await costOf(() => trigger(client))).toEqual({ requests: 11, commands: 28, queries: 6 });
  });

  it("a run while Redis is away ends, and prints each task that failed", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
    const client = createClient();
    await putFault("redis", { errorRate: 1, status: 500 });
    await trigger(client);
    const failed = lines.flatMap((line) => /^cron (\S+): failed/.exec(line)?.[1] ?? []);
    expect(failed).toEqual(["trim", "filters", "warm-up"]);
  });
});

describe("the warm-up of the reference API", () => {
  it("a run warms the 1,000 most viewed products and the 200 users who log in most with 8 SQL queries, and another isolate then answers for them without a query", async () => {
    const client = createClient();
    const cost = await costOf(() => trigger(client));
    // The relay has two queries, old ids three, live events one, and each of three filters one.
    // One query lists the products and one the users; a round of 200 rows has one.
    expect(cost.queries).toBe(2 + 3 + 1 + 3 + (1 + 5) + (1 + 1));
    const { db } = client.isolate.layer;
    const ids = await listPopularIds(db, 1_001);
    const [user] = await listFrequentUserIds(db, 1);
    const reader = ofNamespace(client);
    const reads = await costOf(async () => {
      for (const path of [`/products/${ids[0]}`, `/products/${ids[999]}`, `/users/${user}`]) {
        const response = await reader.send(path);
        expect(response.headers.get("Cache-Status")).toContain("detail=redis");
      }
    });
    expect(reads.queries).toBe(0);
    expect(await redisCommand("EXISTS", keyIn(client, `e:product:${ids[1_000]}`))).toBe(0);
  });

  it("a warm-up that ended before the users is continued with them by the next run of another isolate", async () => {
    const client = createClient();
    const { namespace } = client.isolate.layer.config;
    await redisCommand("SET", `${namespace}:cursor:warm-up`, "user");
    await trigger(ofNamespace(client));
    const { db } = client.isolate.layer;
    const [[product], [user]] = [await listPopularIds(db, 1), await listFrequentUserIds(db, 1)];
    const keys = [`product:${product}`, `user:${user}`].map((name) => `${namespace}:e:${name}`);
    const stored = await Promise.all(keys.map((one) => redisCommand("EXISTS", one)));
    expect(stored).toEqual([0, 1]);
  });
});
