import { eq, sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import { deadLetters, processedMessages } from "../../src/writes/schema.ts";
import { createMessagesWorld as setup, DEAD, HOUR_MS, settledOf } from "./messages-world.ts";
import { deliveryOf } from "./queue-double.ts";

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
    const { letters, request, db, namespace, product, consume, stock, layer } =
      await withLetters("bad");
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

  it("a discarded dead letter is gone, and the id of its applied message is kept for another 24 hours, in which its replay may be delivered", async () => {
    const { letters, request, db, namespace, product, consume, stock, layer, queue } =
      await withLetters("a");
    const old = new Date(Date.now() - 48 * HOUR_MS);
    await db.insert(processedMessages).values({ namespace, id: "a", processedAt: old });
    await db.update(products).set({ stock: 2_000 }).where(eq(products.id, product));
    await letters.replay("a", request.ctx);
    expect(await letters.discard("a")).toBe(true);
    expect(await letters.discard("a")).toBe(false);
    await layer.trim(request.ctx);
    expect(queue.sent).toHaveLength(1);
    await consume();
    expect(await stock()).toBe(2_000);
  });

  it("dead letters whose replay the queue refuses wait for the next replay", async () => {
    const { letters, request, queue } = await withLetters("a", "b");
    queue.isAway = true;
    expect((await letters.replayAll(10, request.ctx)).ok).toBe(false);
    expect(await letters.count()).toEqual({ total: 2, waiting: 2 });
    queue.isAway = false;
    expect(await letters.replayAll(10, request.ctx)).toMatchObject({ value: { replayed: 2 } });
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
