/** The reference application on queues in memory, whose batches a test delivers. */
import { eq } from "drizzle-orm";
import { productViews } from "../../src/api/schema.ts";
import type { Bindings } from "../../src/index.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { newCategories, newProduct, testDatabase } from "../writes/database.ts";
import { createTestRequest } from "../writes/log-double.ts";
import { createQueueDouble, deliveryOf, type TestDelivery } from "../writes/queue-double.ts";
import { createClient } from "./client.ts";

export const db = testDatabase();

export async function newRow(): Promise<number> {
  const [category = 0] = await newCategories(db, 1);
  return newProduct(db, category);
}

/** An order that no other test has. */
let orders = Math.floor(Math.random() * 1_000_000_000) + 1;
export const newOrder = () => orders++;

export function createQueuedApi(bindings: Partial<Bindings> = {}) {
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

export async function storedViews(productId: number): Promise<number> {
  const rows = await db.select().from(productViews).where(eq(productViews.productId, productId));
  return rows[0]?.views ?? 0;
}
