import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, it, vi } from "vitest";
import { topicObject } from "../../src/durable/topic-port.ts";
import { liveEvents } from "../../src/writes/schema.ts";
import { openSocket, openStream } from "../support/listeners.ts";
import { subscribe } from "../support/stock-channel.ts";
import { createClient, problemOf, type Client } from "./client.ts";

const PRODUCT = { name: "Brass Hook", description: "", priceCents: 900, categoryId: 1, stock: 3 };

interface Made {
  readonly id: number;
  readonly updatedAt: string;
}

async function newProduct(client: Client): Promise<Made> {
  return (await client.write("POST", "/products", PRODUCT)).json<Made>();
}

const setStock = (client: Client, id: number, stock: number) =>
  client.write("PATCH", `/products/${id}/stock`, { stock });

const open = { stream: openStream, socket: openSocket };
const pathOf = { stream: "events", socket: "socket" };
const TRANSPORTS = ["stream", "socket"] as const;

/** A binding whose objects cannot be reached. */
const AWAY = {
  idFromName: () => ({}),
  get() {
    throw new Error("the object is away");
  },
} as unknown as DurableObjectNamespace;

describe("live stock", () => {
  it.each(TRANSPORTS)(
    "a listener over a %s gets the stock at once, and then every change in order",
    async (transport) => {
      const client = createClient();
      const { id, updatedAt } = await newProduct(client);
      const path = `/stock/${id}/${pathOf[transport]}`;
      const listener = await open[transport](client.isolate, path);
      expect(await listener.heard(1)).toEqual([
        {
          event: "snapshot",
          id: expect.stringMatching(/^[0-9a-f]{12}-\d+$/),
          data: { product_id: id, stock: 3, timestamp: updatedAt },
        },
      ]);
      for (const stock of [8, 7, 6])
        expect((await setStock(client, id, stock)).headers.get("X-Live-Events")).toBe("done");
      const events = await listener.heard(4);
      expect(events.map(({ event, data }) => [event, data.stock])).toEqual([
        ["snapshot", 3],
        ["update", 8],
        ["update", 7],
        ["update", 6],
      ]);
      await listener.close();
    },
  );

  it.each(TRANSPORTS)(
    "a listener over a %s that comes back with the id of its last event gets the changes that it missed, and with an unknown id a reset",
    async (transport) => {
      const client = createClient();
      const { id } = await newProduct(client);
      const path = `/stock/${id}/${pathOf[transport]}`;
      const first = await open[transport](client.isolate, path);
      const [snapshot] = await first.heard(1);
      await first.close();
      for (const stock of [5, 4]) await setStock(client, id, stock);
      const back = await open[transport](client.isolate, path, { lastEventId: snapshot?.id });
      const missed = await back.heard(2);
      expect(missed.map(({ event, data }) => [event, data.stock])).toEqual([
        ["update", 5],
        ["update", 4],
      ]);
      const lost = await open[transport](client.isolate, path, { lastEventId: "ffffffffffff-1" });
      expect(await lost.heard(1)).toMatchObject([{ event: "reset", data: { stock: 4 } }]);
      await back.close();
      await lost.close();
    },
  );

  it("a browser's WebSocket, which cannot send Last-Event-ID, names the id in the parameter `lastEventId`", async () => {
    const client = createClient();
    const { id } = await newProduct(client);
    const first = await openSocket(client.isolate, `/stock/${id}/socket`);
    const [snapshot] = await first.heard(1);
    await setStock(client, id, 9);
    const path = `/stock/${id}/socket?lastEventId=${snapshot?.id}`;
    const back = await openSocket(client.isolate, path);
    expect(await back.heard(1)).toMatchObject([{ event: "update", data: { stock: 9 } }]);
  });

  it("every kind of write that sets a stock sends an event, and a write that sets none or is refused sends no event", async () => {
    const client = createClient();
    const { id } = await newProduct(client);
    const listener = await openStream(client.isolate, `/stock/${id}/events`);
    await client.write("PATCH", `/products/${id}`, { name: "Renamed" });
    await client.write("PATCH", `/products/${id}/stock`, { delta: -1 });
    expect((await client.write("PATCH", `/products/${id}/stock`, { delta: -9 })).status).toBe(409);
    await client.write("PATCH", `/products/${id}`, { stock: 11 });
    await client.write("PUT", `/products/${id}`, { ...PRODUCT, stock: 12 });
    await client.write("DELETE", `/products/${id}`);
    const events = await listener.heard(5);
    expect(events.slice(1).map(({ event, data }) => [event, data.stock, data["deleted"]])).toEqual([
      ["update", 2, undefined],
      ["update", 11, undefined],
      ["update", 12, undefined],
      ["update", 0, true],
    ]);
    await listener.close();
  });

  it("the channel stock:updates in Redis gets the message of every change, in the order of the changes", async () => {
    const client = createClient();
    let id = 0;
    const channel = await subscribe(() => id);
    ({ id } = await newProduct(client));
    for (const stock of [20, 19, 18]) await setStock(client, id, stock);
    const messages = await channel.heard(4);
    expect(messages.map(({ stock }) => stock)).toEqual([3, 20, 19, 18]);
    expect(messages.at(-1)).toEqual({
      product_id: id,
      stock: 18,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    await channel.close();
  });

  it("a write succeeds with `X-Live-Events: deferred` if the object of the product cannot be reached, and the next listener gets its stock", async () => {
    const STRATA_NAMESPACE = createClient().isolate.layer.config.namespace;
    const client = createClient({ STRATA_NAMESPACE });
    const cut = createClient({ STRATA_NAMESPACE, LIVE: AWAY });
    const { id } = await newProduct(client);
    const answer = await setStock(cut, id, 44);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("X-Live-Events")).toBe("deferred");
    const listener = await openStream(client.isolate, `/stock/${id}/events`);
    expect(await listener.heard(1)).toMatchObject([{ event: "snapshot", data: { stock: 44 } }]);
    await listener.close();
  });

  it("the next write of a product delivers the events of an earlier one whose object could not be reached, in order", async () => {
    const STRATA_NAMESPACE = createClient().isolate.layer.config.namespace;
    const client = createClient({ STRATA_NAMESPACE });
    const cut = createClient({ STRATA_NAMESPACE, LIVE: AWAY });
    const { id } = await newProduct(client);
    const listener = await openSocket(client.isolate, `/stock/${id}/socket`);
    await listener.heard(1);
    for (const stock of [43, 42]) await setStock(cut, id, stock);
    await setStock(client, id, 41);
    expect((await listener.heard(4)).map(({ data }) => data.stock)).toEqual([3, 43, 42, 41]);
  });

  it("the events of a product are deleted from the database when its object has them, and kept if the object cannot be reached", async () => {
    const client = createClient();
    const { db } = client.isolate.layer;
    const { id } = await newProduct(client);
    const rows = () =>
      db
        .select()
        .from(liveEvents)
        .where(eq(liveEvents.topic, `stock:${id}`));
    expect(await rows()).toEqual([]);
    const { namespace } = client.isolate.layer.config;
    await setStock(createClient({ STRATA_NAMESPACE: namespace, LIVE: AWAY }), id, 1);
    expect(await rows()).toMatchObject([{ channel: "stock:updates", namespace }]);
    await setStock(client, id, 2);
    expect(await rows()).toEqual([]);
  });

  it.each(TRANSPORTS)(
    "the object of a product forgets a listener over a %s that has gone",
    async (transport) => {
      const client = createClient();
      const { id } = await newProduct(client);
      const { namespace } = client.isolate.layer.config;
      const object = env.LIVE!.get(env.LIVE!.idFromName(topicObject(namespace, `stock:${id}`)));
      const count = () => runInDurableObject(object, (_, state) => state.getWebSockets().length);
      const path = `/stock/${id}/${pathOf[transport]}`;
      const listener = await open[transport](client.isolate, path);
      await listener.heard(1);
      expect(await count()).toBe(1);
      await listener.close();
      await vi.waitUntil(async () => (await count()) === 0, { timeout: 10_000 });
    },
  );

  it("without the binding LIVE a write stores no event and has no X-Live-Events, and listeners get a 503", async () => {
    const client = createClient({}, ["LIVE"]);
    const { id } = await newProduct(client);
    const answer = await setStock(client, id, 6);
    expect([answer.status, answer.headers.get("X-Live-Events")]).toEqual([200, null]);
    const { db } = client.isolate.layer;
    expect(
      await db
        .select()
        .from(liveEvents)
        .where(eq(liveEvents.topic, `stock:${id}`)),
    ).toEqual([]);
    const refused = await client.send(`/stock/${id}/events`);
    expect(await problemOf(refused)).toMatchObject({ type: "urn:strata:problem:live-unavailable" });
    expect(refused.headers.get("Retry-After")).toBe("5");
  });

  it("a listener of a product that does not exist gets a 404", async () => {
    const client = createClient();
    for (const path of ["/stock/2147483000/events", "/stock/2147483000/socket"]) {
      const headers = { Upgrade: "websocket" };
      expect((await client.send(path, { headers })).status).toBe(404);
    }
  });

  it.each(["0", "x", "2147483648", "1e3", "-1"])(
    "a listener of the malformed product id %s gets a 400",
    async (id) => {
      const client = createClient();
      expect((await client.send(`/stock/${id}/events`)).status).toBe(400);
    },
  );

  it("a listener with Last-Event-ID and an unknown query parameter gets a 400", async () => {
    const headers = { "CF-Connecting-IP": "192.0.2.7", "Last-Event-ID": "0123456789ab-1" };
    const problem = await problemOf(
      await createClient().send("/stock/1/socket?since=1", { headers }),
    );
    expect(problem).toMatchObject({ status: 400, errors: [{ field: "since" }] });
  });

  it("a request without an upgrade to a WebSocket gets a 426 that names the protocol", async () => {
    const client = createClient();
    const { id } = await newProduct(client);
    const answer = await client.send(`/stock/${id}/socket`);
    expect(answer.headers.get("Upgrade")).toBe("websocket");
    expect(await problemOf(answer)).toMatchObject({ status: 426 });
  });

  it("a HEAD request for a stream gets its fields and opens no connection", async () => {
    const client = createClient();
    const { id } = await newProduct(client);
    const answer = await client.send(`/stock/${id}/events`, { method: "HEAD" });
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
  });
});
