import { describe, expect, it, vi } from "vitest";
import { createMessagesWorld as setup, HOUR_MS, QUEUE, settledOf } from "./messages-world.ts";
import { deliveryOf } from "./queue-double.ts";

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
    const batches = [bodies, bodies.toReversed()].map((each) =>
      each.map((body) => deliveryOf(body)),
    );
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
