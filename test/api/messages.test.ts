/** Views, payments and dead letters: the routes, and the consumer of the Worker. */
import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { payments, productViews } from "../../src/api/schema.ts";
import type { Bindings } from "../../src/index.ts";
import worker from "../../src/worker.ts";
import { deadLetters } from "../../src/writes/schema.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { newCategories, newProduct, testDatabase } from "../writes/database.ts";
import { createTestRequest } from "../writes/log-double.ts";
import { createQueueDouble, deliveryOf, type TestDelivery } from "../writes/queue-double.ts";
import { createClient, problemOf } from "./client.ts";

const db = testDatabase();

async function newRow(): Promise<number> {
  const [category = 0] = await newCategories(db, 1);
  return newProduct(db, category);
}

/** An order that no other test has. */
let orders = Math.floor(Math.random() * 1_000_000_000) + 1;
const newOrder = () => orders++;

function setup(bindings: Partial<Bindings> = {}) {
  const [queue, deadLetterQueue] = [createQueueDouble(), createQueueDouble()];
  const own = { STRATA_NAMESPACE: uniqueNamespace(), QUEUE: queue, DEAD_LETTERS: deadLetterQueue };
  const client = createClient({ ...own, ...bindings });
  const { layer } = client.isolate;
  const { ctx } = createTestRequest();
  const deliver = async (name: string, messages: readonly TestDelivery[]) => {
    await layer.consume({ queue: name, messages }, ctx);
    return messages;
  };
  const taken = (attempts: number) =>
    queue.sent.splice(0).map(({ body }) => deliveryOf(body, attempts));
  return {
    ...client,
    ...{ own, queue, deadLetterQueue, layer, ctx },
    consume: async (attempts = 1) => deliver("strata-messages", taken(attempts)),
    redeliver: async (messages: readonly unknown[]) =>
      deliver(
        "strata-messages",
        messages.map((body) => deliveryOf(body)),
      ),
    consumeDead: async () =>
      deliver(
        "strata-dead-letters",
        deadLetterQueue.sent.splice(0).map(({ body }) => deliveryOf(body)),
      ),
    async view(productId: number, id?: string) {
      const body = JSON.stringify({ productId, ...(id !== undefined && { id }) });
      const headers = { "Content-Type": "application/json" };
      return client.send("/events/views", { method: "POST", headers, body });
    },
    async views(productId: number) {
      const response = await client.send(`/products/${productId}/views`);
      return (await response.json<{ views: number }>()).views;
    },
  };
}

async function storedViews(productId: number): Promise<number> {
  const rows = await db.select().from(productViews).where(eq(productViews.productId, productId));
  return rows[0]?.views ?? 0;
}

describe("POST /events/views", () => {
  it("a view is accepted with 202 and shown at once, Postgres gets it from the queue, and the count stays the same then", async () => {
    const { view, views, consume, layer, ctx } = setup();
    const product = await newRow();
    expect(await views(product)).toBe(0);
    for (let i = 1; i <= 3; i++) {
      expect((await view(product)).status).toBe(202);
      expect(await views(product)).toBe(i);
    }
    expect(await storedViews(product)).toBe(0);
    await consume();
    expect(await storedViews(product)).toBe(3);
    expect(await views(product)).toBe(3);
    expect(await layer.pending.read(`views:${product}`, ctx)).toMatchObject({ value: { count: 0 } });
  });

  it("the count is right at the instant at which Postgres has a view and Redis still has its id as pending", async () => {
    const { view, views, consume, layer, ctx, queue } = setup();
    const product = await newRow();
    await view(product, "a");
    const [sent] = queue.sent;
    await consume();
    const { id } = sent?.body as { id: string };
    await layer.pending.add(`views:${product}`, id, ctx);
    await view(product, "b");
    expect(await views(product)).toBe(2);
  });

  it("a view that is sent twice with the same id counts once", async () => {
    const { view, views, consume } = setup();
    const product = await newRow();
    await view(product, "same");
    await view(product, "same");
    expect(await views(product)).toBe(1);
    await consume();
    expect([await views(product), await storedViews(product)]).toEqual([1, 1]);
  });

  it("another isolate of the namespace shows the views of this one", async () => {
    const { view, own } = setup();
    const product = await newRow();
    await view(product);
    const other = setup(own);
    expect(await other.views(product)).toBe(1);
    await other.view(product);
    expect(await other.views(product)).toBe(2);
  });

  it("while Redis does not answer, a view is accepted and shown after the consumer has applied it", async () => {
    const { view, views, consume } = setup({ UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1" });
    const product = await newRow();
    expect((await view(product)).status).toBe(202);
    await consume();
    expect(await views(product)).toBe(1);
  });

  it("a view that the queue does not take is answered with 503, and is not shown", async () => {
    const { view, views, queue } = setup();
    const product = await newRow();
    queue.isAway = true;
    const refused = await view(product);
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect((await problemOf(refused)).type).toContain("queue-unavailable");
    expect(await views(product)).toBe(0);
  });

  it("a view of a product that does not exist leaves no row", async () => {
    const { view, consume } = setup();
    await view(2_000_000_001);
    expect(new Set((await consume()).map(({ settled }) => settled))).toEqual(new Set(["ack"]));
    expect(await storedViews(2_000_000_001)).toBe(0);
  });

  it("a Worker without the binding QUEUE or DEAD_LETTERS names both in its 503, and serves its other routes", async () => {
    for (const missing of ["QUEUE", "DEAD_LETTERS"] as const) {
      const { send, write } = createClient({}, [missing]);
      const body = { productId: 1 };
      for (const [path, sent] of [
        ["/events/views", body],
        [`/orders/${newOrder()}/payment`, { amountCents: 1 }],
        ["/admin/dead-letters/replay", {}],
      ] as const) {
        const refused = await problemOf(await write("POST", path, sent));
        expect([refused.status, refused.type]).toEqual([503, "urn:strata:problem:queue-unbound"]);
        expect(refused.detail).toContain("QUEUE and DEAD_LETTERS");
      }
      const product = await newRow();
      expect((await send(`/products/${product}`)).status).toBe(200);
      expect(await (await send(`/products/${product}/views`)).json()).toMatchObject({ views: 0 });
      expect(await (await write("GET", "/admin/queue")).json()).toMatchObject({ bound: false });
    }
  });
});

describe("POST /orders/:id/payment", () => {
  it("an order whose payment event comes again and again, in any order, is charged once, and each request gets the same result", async () => {
    const { write, consume, redeliver, queue } = setup();
    const order = newOrder();
    const path = `/orders/${order}/payment`;
    expect((await write("GET", path)).status).toBe(404);
    const pending = await Promise.all(
      Array.from({ length: 3 }, () => write("POST", path, { amountCents: 700 })),
    );
    expect(pending.map(({ status }) => status)).toEqual([202, 202, 202]);
    const bodies = queue.sent.map(({ body }) => body);
    await consume();
    const charged = await (await write("GET", path)).json();
    expect(charged).toMatchObject({ orderId: order, status: "charged", amountCents: 700 });
    const again = await redeliver(bodies.toReversed());
    expect(new Set(again.map(({ settled }) => settled))).toEqual(new Set(["ack"]));
    const repeated = await write("POST", path, { amountCents: 700 });
    expect([repeated.status, await repeated.json()]).toEqual([200, charged]);
    expect(queue.sent).toEqual([]);
    expect(await db.select().from(payments).where(eq(payments.orderId, order))).toHaveLength(1);
    const other = await problemOf(await write("POST", path, { amountCents: 701 }));
    expect([other.status, other.type]).toEqual([409, "urn:strata:problem:payment-conflict"]);
  });

  it("an order is charged once although the ids of messages have been deleted since", async () => {
    const { write, consume, redeliver, queue, own } = setup();
    const order = newOrder();
    await write("POST", `/orders/${order}/payment`, { amountCents: 700 });
    const [sent] = queue.sent;
    await consume();
    const other = setup({ STRATA_NAMESPACE: `${own.STRATA_NAMESPACE.slice(0, 20)}-b` });
    await other.redeliver([sent?.body]);
    await redeliver([sent?.body]);
    expect(await db.select().from(payments).where(eq(payments.orderId, order))).toHaveLength(1);
  });
});

describe("/admin/dead-letters", () => {
  /** Messages of a kind without an effect fail in each attempt. */
  async function withLetters(ids: readonly string[]) {
    const world = setup();
    for (const id of ids)
      await world.layer.messages.send({ id, kind: "no-effect", payload: { id } }, world.ctx);
    await world.consume(5);
    await world.consumeDead();
    return world;
  }

  it("dead letters are listed in pages without their payloads, and each can be looked at, tried and discarded", async () => {
    const ids = Array.from({ length: 60 }, (_, i) => `m${i}`);
    const { write } = await withLetters(ids);
    const first = await (await write("GET", "/admin/dead-letters")).json<{
      items: { id: string }[];
      next: number;
    }>();
    expect(first).toMatchObject({ total: 60, waiting: 60 });
    expect(first.items[0]).not.toHaveProperty("message");
    const second = await (await write("GET", `/admin/dead-letters?after=${first.next}`)).json<{
      items: { id: string }[];
      next?: number;
    }>();
    expect(second.next).toBeUndefined();
    const listed = [...first.items, ...second.items].map(({ id }) => id);
    expect(listed.toSorted()).toEqual(ids.toSorted());
    expect(await (await write("GET", "/admin/dead-letters/m7")).json()).toMatchObject({
      id: "m7",
      attempts: 5,
      message: { payload: { id: "m7" } },
      error: expect.stringContaining("no effect"),
      firstAt: expect.stringMatching(/^\d{4}-/),
      lastAt: expect.stringMatching(/^\d{4}-/),
    });
    const tried = await write("POST", "/admin/dead-letters/m7/dry-run");
    expect(await tried.json()).toMatchObject({ outcome: "fails" });
    expect((await write("DELETE", "/admin/dead-letters/m7")).status).toBe(204);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/dry-run"],
      ["POST", "/replay"],
    ] as const)
      expect((await write(method, `/admin/dead-letters/m7${path}`)).status, path).toBe(404);
  });

  it("a dead letter is replayed alone or with all others at a rate, and is not discarded then", async () => {
    const { write, queue } = await withLetters(["a", "b", "c"]);
    const one = await write("POST", "/admin/dead-letters/a/replay");
    expect([one.status, await one.json()]).toEqual([202, { replayed: 1, unusable: 0 }]);
    const all = await write("POST", "/admin/dead-letters/replay", { perSecond: 1 });
    expect(await all.json()).toEqual({ replayed: 2, unusable: 0 });
    expect(queue.sent.map(({ delaySeconds }) => delaySeconds)).toEqual([0, 0, 1]);
    const kept = await problemOf(await write("DELETE", "/admin/dead-letters/a"));
    expect([kept.status, kept.type]).toEqual([409, "urn:strata:problem:dead-letter-replayed"]);
    const wrong = await write("POST", "/admin/dead-letters/replay", { perSecond: 0 });
    expect((await problemOf(wrong)).type).toContain("invalid-input");
  });

  it("a token of the role read lists dead letters and neither replays, discards nor pauses", async () => {
    const token = "read-token-0123456789abcdefgh";
    const { send } = setup({ ADMIN_TOKENS: `reader:read:${token}` });
    const headers = { Authorization: `Bearer ${token}` };
    expect((await send("/admin/dead-letters", { headers })).status).toBe(200);
    expect((await send("/admin/queue", { headers })).status).toBe(200);
    for (const [method, path] of [
      ["POST", "/admin/dead-letters/replay"],
      ["POST", "/admin/dead-letters/a/replay"],
      ["POST", "/admin/dead-letters/a/dry-run"],
      ["DELETE", "/admin/dead-letters/a"],
      ["POST", "/admin/queue/pause"],
      ["POST", "/admin/queue/resume"],
    ] as const)
      expect((await send(path, { method, headers })).status, path).toBe(403);
    expect((await send("/admin/dead-letters")).status).toBe(401);
  });

  it("the consumer is paused and goes on by /admin/queue", async () => {
    const { write, view, consume } = setup();
    const product = await newRow();
    await view(product);
    const paused = await write("POST", "/admin/queue/pause");
    expect(await paused.json()).toMatchObject({ bound: true, paused: true, backlog: 1 });
    await consume();
    expect(await storedViews(product)).toBe(0);
    expect(await (await write("POST", "/admin/queue/resume")).json()).toMatchObject({
      paused: false,
    });
    await consume();
    expect(await storedViews(product)).toBe(1);
  });
});

describe("the handler `queue` of the Worker", () => {
  const message = (body: unknown) => ({
    id: crypto.randomUUID(),
    timestamp: new Date(),
    attempts: 1,
    body,
  });
  const handle = async (queue: string, body: unknown) => {
    const batch = createMessageBatch(queue, [message(body)]);
    const ctx = createExecutionContext();
    await worker.queue(batch, env, ctx);
    const result = await getQueueResult(batch, ctx);
    await waitOnExecutionContext(ctx);
    return { result, id: batch.messages[0]?.id };
  };

  it("the Worker applies a message of the queue and acknowledges it", async () => {
    const productId = await newRow();
    const body = { v: 1, id: crypto.randomUUID(), kind: "view", payload: { productId }, sentAt: Date.now() };
    const { result, id } = await handle("strata-messages", body);
    expect(result).toMatchObject({ outcome: "ok", explicitAcks: [id], retryMessages: [] });
    expect(await storedViews(productId)).toBe(1);
  });

  it("the Worker retries a message that Postgres refuses", async () => {
    const payload = { orderId: newOrder(), amountCents: -5 };
    const body = { v: 1, id: crypto.randomUUID(), kind: "payment", payload, sentAt: Date.now() };
    const { result, id } = await handle("strata-messages", body);
    expect(result).toMatchObject({
      explicitAcks: [],
      retryMessages: [{ msgId: id }],
    });
  });

  it("the Worker stores a message of the dead-letter queue in Postgres", async () => {
    const id = crypto.randomUUID();
    const body = { v: 1, id, kind: "view", payload: {}, sentAt: Date.now() };
    const { result } = await handle("strata-dead-letters", body);
    expect(result.explicitAcks).toHaveLength(1);
    expect(await db.select().from(deadLetters).where(eq(deadLetters.id, id))).toHaveLength(1);
  });
});
