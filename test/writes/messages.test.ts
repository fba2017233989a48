import { env } from "cloudflare:workers";
import { eq, sql } from "drizzle-orm";
import { describe, expect, it, vi } from "vitest";
import { products } from "../../src/api/schema.ts";
import { createDatabase } from "../../src/origin/neon.ts";
import { deadLetters, processedMessages } from "../../src/writes/schema.ts";
import { createMessages } from "../../src/writes/messages/messages.ts";
import type { Effect } from "../../src/writes/messages/effect.ts";
import { createWriter } from "../../src/writes/writer.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { newCategories, newProduct, stockOf, testDatabase } from "./database.ts";
import { createLogDouble, createTestRequest } from "./log-double.ts";
import { createQueueDouble, deliveryOf } from "./queue-double.ts";

const QUEUE = "strata-messages";
const DEAD = "strata-dead-letters";
const HOUR_MS = 3_600_000;

/** An effect that adds to the stock of a product. Stock may not be negative. */
async function setup() {
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
    writer: createWriter({ db, invalidator: log, namespace, verifyAfterMs: 0 }),
    newId: () => crypto.randomUUID(),
    queue,
    deadLetterQueue,
    timeoutMs: 1_000,
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

const settledOf = (batch: readonly { settled: unknown }[]) => batch.map(({ settled }) => settled);

describe("messages", () => {
  it("the consumer commits all messages of a batch in one transaction, and invalidates their tags", async () => {
    const { add, consume, stock, db, log, product, after, outcomes } = await setup();
    const batches = vi.spyOn(db, "batch");
    for (let i = 0; i < 20; i++) await add(`m${i}`, 1);
    const batch = await consume();
    expect(batches).toHaveBeenCalledTimes(1);
    expect(await stock()).toBe(25);
    expect(new Set(settledOf(batch))).toEqual(new Set(["ack"]));
    expect(log.calls.at(-1)).toBe(`invalidate t:product:${product}`);
    expect(after).toHaveLength(20);
    expect(outcomes()).toEqual([["applied", 20]]);
  });

  it("a message that is delivered twice, in one batch or in two, changes Postgres once", async () => {
    const { add, consume, queue, stock, outcomes } = await setup();
    await add("m", 1);
    await add("m", 1);
    const [first] = queue.sent;
    expect(settledOf(await consume())).toEqual(["ack", "ack"]);
    queue.sent.push(first!);
    expect(settledOf(await consume(2))).toEqual(["ack"]);
    expect(await stock()).toBe(6);
    expect(outcomes()).toEqual([
      ["applied", 1],
      ["duplicate", 1],
    ]);
  });

  it("two consumers that get the same messages at the same time apply each once", async () => {
    const { add, queue, layer, request, stock } = await setup();
    for (let i = 0; i < 10; i++) await add(`m${i}`, 1);
    const bodies = queue.sent.splice(0).map(({ body }) => body);
    const batches = [bodies, bodies.toReversed()].map((each) => each.map((body) => deliveryOf(body)));
    await Promise.all(
      batches.map((messages) => layer.consume({ queue: QUEUE, messages }, request.ctx)),
    );
    expect(await stock()).toBe(15);
    // A deadlock between the two is tried again.
    for (const messages of batches)
      for (const { settled } of messages) expect(["ack", "retry"]).toContain(settled);
  });

  it("a message that Postgres refuses is retried after a pause that doubles, while the other messages of its batch are applied", async () => {
    const { add, consume, queue, stock } = await setup();
    await add("a", 1);
    await add("bad", -1_000);
    await add("b", 1);
    const [, bad] = queue.sent;
    const batch = await consume();
    expect(settledOf(batch)).toEqual(["ack", "retry", "ack"]);
    expect(batch[1]?.delaySeconds).toBe(5);
    expect(await stock()).toBe(7);
    queue.sent.push(bad!);
    expect((await consume(2))[0]?.delaySeconds).toBe(10);
  });

  it("a message that fails in each attempt becomes a dead letter with its content, error, attempts, and first and last time", async () => {
    const { add, consume, consumeDead, layer, request, outcomes } = await setup();
    const startedAt = Date.now();
    await add("bad", -1_000);
    expect(settledOf(await consume(3))).toEqual(["ack"]);
    expect(settledOf(await consumeDead())).toEqual(["ack"]);
    const [letter] = await layer.messages.deadLetters.list(0, 10);
    expect(letter).toMatchObject({
      id: "bad",
      kind: "stock",
      message: { v: 1, id: "bad", kind: "stock", payload: -1_000 },
      error: expect.stringContaining("products_stock_check"),
      attempts: 3,
      replayedAt: undefined,
    });
    expect(letter?.firstAt).toBeGreaterThanOrEqual(startedAt);
    expect(letter?.lastAt).toBeGreaterThanOrEqual(letter?.firstAt ?? Infinity);
    expect(letter?.lastAt).toBeLessThanOrEqual(request.ctx.now());
    expect(outcomes()).toEqual([["dead", 1]]);
  });

  it("an effect that throws for one message of a batch leads to a dead letter with its error, and the others are applied", async () => {
    const { add, consume, consumeDead, layer, stock } = await setup();
    await add("a", 1);
    await add("x", Symbol.iterator.toString());
    await consume(3);
    await consumeDead();
    expect(await stock()).toBe(6);
    expect(await layer.messages.deadLetters.list(0, 10)).toMatchObject([{ id: "x" }]);
  });

  it("messages without an effect, and bodies that are no messages, become dead letters", async () => {
    const { add, consume, consumeDead, queue, layer } = await setup();
    await add("m", 1, "unknown");
    queue.sent.push({ body: "hello", delaySeconds: 0 }, { body: { v: 2 }, delaySeconds: 0 });
    expect(settledOf(await consume(3))).toEqual(["ack", "ack", "ack"]);
    await consumeDead();
    const letters = await layer.messages.deadLetters.list(0, 10);
    expect(letters.map(({ kind, message }) => [kind, message])).toEqual(
      expect.arrayContaining([
        ["", "hello"],
        ["", { v: 2 }],
        ["unknown", expect.objectContaining({ id: "m" })],
      ]),
    );
  });

  it("a message that the queue itself gave up becomes a dead letter, and one whose effect is committed does not", async () => {
    const { add, consume, queue, deadLetterQueue, consumeDead, layer } = await setup();
    await add("lost", 1);
    await add("done", 1);
    const [lost, done] = queue.sent;
    queue.sent.splice(0, 1);
    await consume();
    deadLetterQueue.sent.push(lost!, done!);
    await consumeDead();
    expect(await layer.messages.deadLetters.list(0, 10)).toMatchObject([
      { id: "lost", attempts: 101, message: { payload: 1 } },
    ]);
  });

  it("while Postgres does not answer, messages and dead letters are retried whatever their attempts, with pauses of at most the longest one", async () => {
    const { add, consume, consumeDead, queue, deadLetterQueue, postgres, stock, layer } =
      await setup();
    await add("m", 1);
    await add("n", 1);
    const bodies = [...queue.sent];
    postgres.isAway = true;
    for (const [attempts, pause] of [
      [1, 5],
      [3, 20],
      [99, 60],
    ] as const) {
      queue.sent.splice(0, Infinity, ...bodies);
      const batch = await consume(attempts);
      expect(batch.map(({ settled, delaySeconds }) => [settled, delaySeconds])).toEqual([
        ["retry", pause],
        ["retry", pause],
      ]);
    }
    expect(deadLetterQueue.sent).toEqual([]);
    deadLetterQueue.sent.push(...bodies);
    expect(settledOf(await consumeDead())).toEqual(["retry", "retry"]);
    postgres.isAway = false;
    queue.sent.splice(0, Infinity, ...bodies);
    await consume(100);
    expect(await stock()).toBe(7);
    expect(await layer.messages.deadLetters.count()).toEqual({ total: 0, waiting: 0 });
  });

  it("a message is retried, and not lost, if the dead-letter queue refuses it", async () => {
    const { add, consume, deadLetterQueue } = await setup();
    deadLetterQueue.isAway = true;
    await add("bad", -1_000);
    expect(settledOf(await consume(3))).toEqual(["retry"]);
  });

  it("a message that is older than the ids that are kept becomes a dead letter and is not applied", async () => {
    const { add, consume, consumeDead, queue, layer, stock } = await setup();
    await add("old", 1);
    const [sent] = queue.sent.splice(0);
    const body = { ...(sent?.body as object), sentAt: Date.now() - 25 * HOUR_MS };
    queue.sent.push({ body, delaySeconds: 0 });
    await consume();
    await consumeDead();
    expect(await stock()).toBe(5);
    expect(await layer.messages.deadLetters.list(0, 10)).toMatchObject([
      { id: "old", error: expect.stringContaining("older than the ids") },
    ]);
  });

  it("a paused consumer applies nothing and sends its messages again without using up their attempts, and applies them once it goes on", async () => {
    const { add, consume, queue, layer, stock } = await setup();
    await add("m", 1);
    await layer.messages.pause();
    expect(settledOf(await consume(99))).toEqual(["ack"]);
    expect(await stock()).toBe(5);
    expect(queue.sent).toMatchObject([{ delaySeconds: 30, body: { id: "m" } }]);
    expect(await layer.messages.state()).toMatchObject({ paused: true, backlog: 1 });
    await layer.messages.resume();
    await consume();
    expect(await stock()).toBe(6);
  });

  it("a message that the queue cannot hold is refused by name", async () => {
    const { add } = await setup();
    await expect(add("m", "x".repeat(128_000))).rejects.toThrow("payload");
    await expect(add("with space", 1)).rejects.toThrow("id");
  });

  it("a queue that does not answer gives the fault queue.unavailable", async () => {
    const { add, queue } = await setup();
    queue.isAway = true;
    expect(await add("m", 1)).toMatchObject({ ok: false, fault: { code: "queue.unavailable" } });
  });
});

describe("dead letters", () => {
  async function withLetters(...ids: string[]) {
    const world = await setup();
    for (const id of ids) await world.add(id, -1_000);
    await world.consume(3);
    await world.consumeDead();
    return { ...world, letters: world.layer.messages.deadLetters };
  }

  it("a dry run tells what an attempt would do, and changes nothing", async () => {
    const { letters, db, product, stock, layer, namespace } = await withLetters("bad");
    expect(await letters.dryRun("bad")).toMatchObject({
      outcome: "fails",
      error: expect.stringContaining("products_stock_check"),
    });
    await db.update(products).set({ stock: 2_000 }).where(eq(products.id, product));
    expect(await letters.dryRun("bad")).toEqual({ outcome: "applies" });
    expect(await stock()).toBe(2_000);
    await db.insert(processedMessages).values({ namespace, id: "bad" });
    expect(await letters.dryRun("bad")).toEqual({ outcome: "applied-before" });
    expect(await letters.dryRun("none")).toBeUndefined();
    expect(await layer.messages.deadLetters.count()).toEqual({ total: 1, waiting: 1 });
  });

  it("a replayed dead letter is applied once its cause is gone, also if it is replayed twice", async () => {
    const { letters, request, db, namespace, product, consume, stock, layer } = await withLetters("bad");
    await db.update(products).set({ stock: 2_000 }).where(eq(products.id, product));
    expect(await letters.replay("bad", request.ctx)).toMatchObject({ value: { replayed: 1 } });
    await letters.replay("bad", request.ctx);
    await consume();
    expect(await stock()).toBe(1_000);
    expect(await letters.count()).toEqual({ total: 1, waiting: 0 });
    expect(await letters.replay("none", request.ctx)).toBeUndefined();
    const past = sql`now() - interval '26 hours'`;
    await db
      .update(processedMessages)
      .set({ processedAt: past })
      .where(eq(processedMessages.namespace, namespace));
    await db
      .update(deadLetters)
      .set({ replayedAt: past })
      .where(eq(deadLetters.namespace, namespace));
    await layer.trim(request.ctx);
    expect(await letters.count()).toEqual({ total: 0, waiting: 0 });
  });

  it("a replay of all dead letters spreads their deliveries by its rate, and leaves out those that were replayed", async () => {
    const { letters, request, queue } = await withLetters("a", "b", "c", "d", "e");
    await letters.replay("a", request.ctx);
    queue.sent.length = 0;
    expect(await letters.replayAll(2, request.ctx)).toMatchObject({ value: { replayed: 4 } });
    expect(queue.sent.map(({ delaySeconds }) => delaySeconds)).toEqual([0, 0, 1, 1]);
    expect(await letters.replayAll(2, request.ctx)).toMatchObject({ value: { replayed: 0 } });
  });

  it("a dead letter that fails again after a replay waits again, with its first time and its last error", async () => {
    const { letters, request, consume, consumeDead } = await withLetters("bad");
    const [before] = await letters.list(0, 1);
    await letters.replay("bad", request.ctx);
    await consume(3);
    await consumeDead();
    const after = await letters.find("bad");
    expect(after).toMatchObject({ firstAt: before?.firstAt, replayedAt: undefined });
    expect(after?.lastAt).toBeGreaterThan(before?.lastAt ?? Infinity);
  });

  it("a dead letter that was replayed cannot be discarded before 24 hours are over", async () => {
    const { letters, request, db, namespace } = await withLetters("a", "b");
    await letters.replay("a", request.ctx);
    expect([await letters.discard("a"), await letters.discard("b")]).toEqual([false, true]);
    await db
      .update(deadLetters)
      .set({ replayedAt: sql`now() - interval '25 hours'` })
      .where(eq(deadLetters.namespace, namespace));
    expect(await letters.discard("a")).toBe(true);
  });

  it("ids of applied messages are deleted after 24 hours, unless a dead letter may be replayed", async () => {
    const { layer, request, db, namespace, add, consume } = await withLetters("bad");
    await add("young", 1);
    await add("old", 1);
    await consume();
    const old = new Date(Date.now() - 26 * HOUR_MS);
    await db.insert(processedMessages).values({ namespace, id: "bad", processedAt: old });
    await db
      .update(deadLetters)
      .set({ replayedAt: new Date() })
      .where(eq(deadLetters.namespace, namespace));
    await db
      .update(processedMessages)
      .set({ processedAt: old })
      .where(sql`${processedMessages.namespace} = ${namespace} and id = 'old'`);
    await layer.trim(request.ctx);
    const kept = await db
      .select({ id: processedMessages.id })
      .from(processedMessages)
      .where(eq(processedMessages.namespace, namespace));
    expect(kept.map(({ id }) => id).toSorted()).toEqual(["bad", "young"]);
  });

  it("letters with texts that Postgres cannot store are stored without the characters in question", async () => {
    const { layer, request } = await setup();
    const body = {
      letter: 1,
      id: "a\0b",
      kind: "\uD800",
      message: { text: "\0" },
      error: "e\0",
      attempts: Number.MAX_SAFE_INTEGER,
      firstAt: -1,
      lastAt: Number.MAX_SAFE_INTEGER,
    };
    const batch = [deliveryOf(body)];
    await layer.consume({ queue: DEAD, messages: batch }, request.ctx);
    expect(settledOf(batch)).toEqual(["ack"]);
    expect(await layer.messages.deadLetters.list(0, 1)).toMatchObject([
      { id: "ab", error: "e", message: { text: "\0" } },
    ]);
  });
});
