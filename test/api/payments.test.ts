import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { payments } from "../../src/api/schema.ts";
import { problemOf } from "./client.ts";
import { createQueuedApi as setup, db, newOrder } from "./queued.ts";

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
