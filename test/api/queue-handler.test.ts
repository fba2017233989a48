import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { deadLetters } from "../../src/writes/schema.ts";
import { db, newOrder, newRow, storedViews } from "./queued.ts";

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
    const body = {
      v: 1,
      id: crypto.randomUUID(),
      kind: "view",
      payload: { productId },
      sentAt: Date.now(),
    };
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
