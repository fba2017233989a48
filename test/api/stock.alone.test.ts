import {
  createExecutionContext,
  runDurableObjectAlarm,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq, sql } from "drizzle-orm";
import { afterEach, describe, expect, it } from "vitest";
import { topicObject } from "../../src/durable/topic-port.ts";
import { backgroundContext } from "../../src/index.ts";
import { liveEvents } from "../../src/writes/schema.ts";
import { clearFaults, countRedis, failRedis } from "../support/gateway.ts";
import { openStream } from "../support/listeners.ts";
import { subscribe } from "../support/stock-channel.ts";
import { createClient, type Client } from "./client.ts";

const PRODUCT = { name: "Brass Hook", description: "", priceCents: 900, categoryId: 1, stock: 3 };

afterEach(clearFaults);

async function newProduct(client: Client): Promise<number> {
  const { id } = await (
    await client.write("POST", "/products", PRODUCT)
  ).json<{ readonly id: number }>();
  return id;
}

const setStock = (client: Client, id: number, stock: number) =>
  client.write("PATCH", `/products/${id}/stock`, { stock });

/** A binding whose objects cannot be reached. */
const AWAY = {
  idFromName: () => ({}),
  get() {
    throw new Error("the object is away");
  },
} as unknown as DurableObjectNamespace;

describe("live stock and the cron trigger", () => {
  it("the cron trigger delivers the events of an isolate that ended before it delivered them", async () => {
    const client = createClient();
    const id = await newProduct(client);
    const { layer } = client.isolate;
    const STRATA_NAMESPACE = layer.config.namespace;
    const listener = await openStream(client.isolate, `/stock/${id}/events`);
    await listener.heard(1);
    const ended = createClient({ STRATA_NAMESPACE, LIVE: AWAY });
    for (const stock of [6, 5]) await setStock(ended, id, stock);
    const waiting = eq(liveEvents.topic, `stock:${id}`);
    await layer.db
      .update(liveEvents)
      .set({ createdAt: sql`now() - interval '1 minute'` })
      .where(waiting);
    const execution = createExecutionContext();
    await layer.scheduled(backgroundContext((work) => execution.waitUntil(work)));
    await waitOnExecutionContext(execution);
    expect((await listener.heard(3)).map(({ data }) => data.stock)).toEqual([3, 6, 5]);
    expect(await layer.db.select().from(liveEvents).where(waiting)).toEqual([]);
    await listener.close();
  });
});

describe("live stock and Redis", () => {
  it("a change of stock costs one request with one command for the channel, besides the invalidation", async () => {
    const client = createClient();
    let id = 0;
    const channel = await subscribe(() => id);
    id = await newProduct(client);
    await channel.heard(1);
    const withEvent = await countRedis(async () => {
      await setStock(client, id, 7);
      await channel.heard(2);
    });
    const without = await countRedis(() =>
      client.write("PATCH", `/products/${id}`, { name: "Renamed" }),
    );
    expect(withEvent).toEqual({ requests: without.requests + 1, commands: without.commands + 1 });
    await channel.close();
  });

  it("while Redis is away a write answers 200, listeners get the event, and the channel gets it when Redis is back", async () => {
    const client = createClient();
    const id = await newProduct(client);
    const channel = await subscribe(() => id);
    const listener = await openStream(client.isolate, `/stock/${id}/events`);
    await failRedis({ errorRate: 1 });
    for (const stock of [6, 5]) {
      const answer = await setStock(client, id, stock);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("X-Invalidation")).toBe("deferred");
      expect(answer.headers.get("X-Live-Events")).toBe("done");
    }
    expect((await listener.heard(3)).map(({ data }) => data.stock)).toEqual([3, 6, 5]);
    await clearFaults();
    const { namespace } = client.isolate.layer.config;
    const object = env.LIVE!.get(env.LIVE!.idFromName(topicObject(namespace, `stock:${id}`)));
    await runDurableObjectAlarm(object);
    expect((await channel.heard(2)).map(({ stock }) => stock)).toEqual([6, 5]);
    await channel.close();
    await listener.close();
  });
});
