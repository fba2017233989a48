/** Messages on queues in memory and the real Postgres, with an effect that a test can make fail. */
import { env } from "cloudflare:workers";
import { eq, sql } from "drizzle-orm";
import { products } from "../../src/api/schema.ts";
import { createDatabase } from "../../src/origin/neon.ts";
import type { Effect } from "../../src/writes/messages/effect.ts";
import { createMessages } from "../../src/writes/messages/messages.ts";
import { createWriter } from "../../src/writes/writer.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { newCategories, newProduct, stockOf, testDatabase } from "./database.ts";
import { createLogDouble, createTestRequest, freeSlot } from "./log-double.ts";
import { createQueueDouble, deliveryOf } from "./queue-double.ts";

export const QUEUE = "strata-messages";
export const DEAD = "strata-dead-letters";
export const HOUR_MS = 3_600_000;

/** An effect that adds to the stock of a product. Stock may not be negative. */
export async function createMessagesWorld() {
  const real = testDatabase();
  const lost = createDatabase({
    databaseUrl: env.DATABASE_URL,
    neonEndpoint: "http://127.0.0.1:1/sql",
    timeoutMs: 1_000,
    now: () => Date.now(),
  });
  const postgres = { isAway: false };
  const db = new Proxy(real, {
    get: (_target, name) => Reflect.get(postgres.isAway ? lost : real, name) as unknown,
  });
  const namespace = uniqueNamespace();
  const log = createLogDouble();
  const [queue, deadLetterQueue] = [createQueueDouble(), createQueueDouble()];
  const [category = 0] = await newCategories(db, 1);
  const product = await newProduct(db, category);
  const request = createTestRequest();
  const after: string[] = [];
  const layer = createMessages({
    db,
    namespace,
    writer: createWriter({ db, invalidator: log, namespace, verifyAfterMs: 0, takeSlot: freeSlot }),
    newId: () => crypto.randomUUID(),
    queue,
    deadLetterQueue,
    timeoutMs: 1_000,
    onSend: () => undefined,
    limits: { maxAttempts: 3, retryMs: 5_000, maxRetryMs: 60_000 },
    keepIdsMs: 24 * HOUR_MS,
    holdSeconds: 30,
    withTimeout: (work) => work,
  });
  const effect: Effect = {
    kind: "stock",
    statements: (changes) =>
      changes.map(({ payload }) =>
        db
          .update(products)
          .set({ stock: sql`${products.stock} + ${Number(payload)}` })
          .where(eq(products.id, product)),
      ),
    tags: () => [`product:${product}`],
    afterCommit: async (changes) => void after.push(...changes.map(({ id }) => id)),
  };
  layer.messages.define(effect);
  const add = async (id: string, payload: unknown, kind = "stock") =>
    layer.messages.send({ id, kind, payload }, request.ctx);
  /** Takes what is in the queue and delivers it as one batch. */
  const consume = async (attempts = 1) => {
    const batch = queue.sent.splice(0).map(({ body }) => deliveryOf(body, attempts));
    await layer.consume({ queue: QUEUE, messages: batch }, request.ctx);
    return batch;
  };
  const consumeDead = async () => {
    const batch = deadLetterQueue.sent.splice(0).map(({ body }) => deliveryOf(body));
    await layer.consume({ queue: DEAD, messages: batch }, request.ctx);
    return batch;
  };
  const stock = async () => stockOf(db, product);
  const outcomes = () =>
    request.events.flatMap((event) =>
      event.type === "message.end" ? [[event.outcome, event.count]] : [],
    );
  return {
    ...{ db, postgres, namespace, log, queue, deadLetterQueue, product, request, after, layer },
    ...{ add, consume, consumeDead, stock, outcomes },
  };
}

export const settledOf = (batch: readonly { settled: unknown }[]) =>
  batch.map(({ settled }) => settled);
