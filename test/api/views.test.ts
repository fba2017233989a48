import { describe, expect, it } from "vitest";
import { createClient, problemOf } from "./client.ts";
import { createQueuedApi as setup, newOrder, newRow, storedViews } from "./queued.ts";

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
    expect(await layer.pending.read(`views:${product}`, ctx)).toMatchObject({
      value: { count: 0 },
    });
  });

  it("the count is right at the instant at which Postgres has a view and Redis still has its id as pending", async () => {
    const { view, views, consume, layer, ctx, queue } = setup();
    const product = await newRow();
    await view(product, "a");
    const [sent] = queue.sent;
    await consume();
    const { id } = (sent ?? { body: {} }).body as { id: string };
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
