import { eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import { categoryOf } from "../../src/api/tags.ts";
import { CacheUnavailable, DefinitionError, WriteUnconfirmed } from "../../src/index.ts";
import { outbox } from "../../src/writes/schema.ts";
import { createWriter } from "../../src/writes/writer.ts";
import { newCategories, newProduct, outboxRows, stockOf, testDatabase } from "./database.ts";
import { clearFaults, putFault } from "./faults.ts";
import { createLogDouble, createTestRequest, freeSlot } from "./log-double.ts";

type Product = typeof products.$inferSelect;

/** Has a short deadline, so that tests of a hanging database are quick. */
const hasty = testDatabase(400);
const db = testDatabase();

beforeEach(async () => {
  await db.delete(outbox);
});

afterEach(clearFaults);

async function setup() {
  const log = createLogDouble();
  const writer = createWriter({
    db: hasty,
    invalidator: log,
    namespace: "outage",
    verifyAfterMs: 0,
    takeSlot: freeSlot,
  });
  const request = createTestRequest();
  const [category = 0] = await newCategories(db, 1);
  const id = await newProduct(db, category);
  const setStock = (stock: number) =>
    writer.mutate<Product>(
      {
        statements: [hasty.update(products).set({ stock }).where(eq(products.id, id)).returning()],
        tags: [`product:${id}`],
        tagQuery: categoryOf(id),
      },
      request.ctx,
    );
  return {
    log,
    writer,
    request,
    id,
    tags: [`t:category:${category}`, `t:product:${id}`],
    setStock,
  };
}

describe("mutations while Redis is away", () => {
  it("a write while Redis is away is committed, and the next write after Redis is back also delivers the missed invalidation", async () => {
    const { log, request, id, tags, setStock } = await setup();
    log.isAway = true;
    expect(await setStock(8)).toMatchObject({ value: { stock: 8 }, invalidation: "deferred" });
    await request.settle();
    expect(await stockOf(db, id)).toBe(8);
    expect(log.calls[0]).toBe(`mark ${tags.join(",")}`);
    expect((await outboxRows(db)).map((row) => row.number)).toEqual([null, null]);
    expect(request.events).toContainEqual({
      type: "invalidation.end",
      logKeys: 2,
      outcome: "deferred",
    });

    log.isAway = false;
    log.calls.length = 0;
    await setStock(9);
    await request.settle();
    expect(log.calls.filter((call) => call.startsWith("invalidate"))).toHaveLength(2);
    expect((await outboxRows(db)).filter((row) => row.number === null)).toEqual([]);
  });

  it("the outbox relay delivers the invalidation of a write that was made while Redis was away", async () => {
    const { log, writer, request, tags, setStock } = await setup();
    log.isAway = true;
    await setStock(8);
    log.isAway = false;
    expect(await writer.relay(request.ctx)).toMatchObject({ invalidated: 2 });
    expect([...log.scores.keys()].toSorted()).toEqual(tags);
  });

  it("a run of the outbox relay reports how many rows still wait for a number: all of them while Redis is away, and none after it is back", async () => {
    const { log, writer, request, setStock } = await setup();
    log.isAway = true;
    await setStock(8);
    await setStock(9);
    const reported = () =>
      request.events.flatMap((event) => (event.type === "relay.end" ? [event.deferred] : []));
    await writer.relay(request.ctx);
    expect(reported()).toEqual([4]);
    log.isAway = false;
    await writer.relay(request.ctx);
    expect(reported()).toEqual([4, 0]);
  });
});

describe("mutations whose commit was not confirmed", () => {
  it("a committed but unconfirmed write invalidates the tags that its caller named as unconfirmed at once, and all its tags through the outbox relay", async () => {
    const { log, writer, request, id, tags, setStock } = await setup();
    await putFault("sql", { hang: "after", only: "write" });
    await expect(setStock(8)).rejects.toThrow(WriteUnconfirmed);
    expect(log.calls).toEqual([`mark ?t:product:${id}`, `invalidate ?t:product:${id}`]);
    await clearFaults();
    await request.settle();

    expect(await stockOf(db, id)).toBe(8);
    await writer.relay(request.ctx);
    expect([...log.scores.keys()].toSorted()).toEqual([`?t:product:${id}`, ...tags]);
  });

  it("the outbox relay delivers the invalidation of an unconfirmed write in the background, before the cron trigger", async () => {
    const { log, request, id, tags, setStock } = await setup();
    await putFault("sql", { reset: true, only: "write" });
    await expect(setStock(8)).rejects.toThrow(WriteUnconfirmed);
    await request.settle();
    expect([...log.scores.keys()].toSorted()).toEqual([`?t:product:${id}`, ...tags]);
  });

  it("an unconfirmed write that the database did not execute leaves no row in the outbox", async () => {
    const { log, request, id, setStock } = await setup();
    await putFault("sql", { errorRate: 1, status: 503, only: "write" });
    await expect(setStock(8)).rejects.toMatchObject({ fault: { code: "origin.unavailable" } });
    expect(log.scores.has(`?t:product:${id}`)).toBe(true);
    await clearFaults();
    await request.settle();
    expect(await stockOf(db, id)).toBe(5);
    expect(await outboxRows(db)).toEqual([]);
  });

  it("an isolate ends its own invalidation for an unconfirmed write after the outbox relay finds no outbox row of this write", async () => {
    const { log, writer, request, id, setStock } = await setup();
    log.isAway = true;
    await putFault("sql", { errorRate: 1, status: 503 });
    await expect(setStock(8)).rejects.toMatchObject({ fault: { code: "origin.unavailable" } });
    await request.settle();
    expect(log.calls).not.toContain(`unmark ?t:product:${id}`);
    await clearFaults();
    log.isAway = false;
    await writer.relay(request.ctx);
    expect(log.calls.at(-1)).toBe(`unmark ?t:product:${id}`);
  });

  it.each([{ truncate: true }, { reset: true }])(
    "a write throws `WriteUnconfirmed` and invalidates its tags if the response of the database has the injected fault %j",
    async (fault) => {
      const { log, id, setStock } = await setup();
      await putFault("sql", { ...fault, only: "write" });
      await expect(setStock(8)).rejects.toMatchObject({
        name: "WriteUnconfirmed",
        fault: { code: "origin.unavailable" },
      });
      expect(log.scores.has(`?t:product:${id}`)).toBe(true);
    },
  );
});

describe("a purge", () => {
  it("a purge adds a row to the outbox, and the outbox relay deletes the row when the invalidation log has the purge", async () => {
    const { log, writer, request } = await setup();
    const targets = { tags: ["a"], keys: ["product:1"], prefixes: ["product:"], everything: true };
    expect(await writer.purge(targets, request.ctx)).toBe("done");
    expect(log.calls).toEqual([
      "mark k:product:1,n:,p:product:,t:a",
      "invalidate k:product:1,n:,p:product:,t:a",
    ]);
    await request.settle();
    expect(await outboxRows(db)).toMatchObject([{ number: log.scores.get("n:"), settled: true }]);
    expect(await writer.relay(request.ctx)).toMatchObject({ deleted: 1 });
  });

  it("a soft purge writes the log key of a soft invalidation (`~t:a`) to the invalidation log", async () => {
    const { log, writer, request } = await setup();
    await writer.purge({ tags: ["a"], soft: true }, request.ctx);
    expect(log.calls.at(-1)).toBe("invalidate ~t:a");
  });

  it("the outbox relay delivers a purge that was made while Redis was away", async () => {
    const { log, writer, request } = await setup();
    log.isAway = true;
    expect(await writer.purge({ tags: ["a"] }, request.ctx)).toBe("deferred");
    log.isAway = false;
    await writer.relay(request.ctx);
    expect(log.scores.has("t:a")).toBe(true);
  });

  it("a purge succeeds while the database fails", async () => {
    const { log, writer, request } = await setup();
    await putFault("sql", { errorRate: 1 });
    expect(await writer.purge({ tags: ["a"] }, request.ctx)).toBe("done");
    expect(log.scores.has("t:a")).toBe(true);
    expect(request.events).toContainEqual(expect.objectContaining({ type: "fault.raise" }));
  });

  it("a purge throws CacheUnavailable if both Redis and the database are away", async () => {
    const { log, writer, request } = await setup();
    log.isAway = true;
    await putFault("sql", { errorRate: 1 });
    await expect(writer.purge({ tags: ["a"] }, request.ctx)).rejects.toThrow(CacheUnavailable);
    // Nobody delivers it, so that its mark would invalidate in this isolate for ever.
    expect(log.calls).toEqual(["mark t:a", "invalidate t:a", "unmark t:a"]);
  });

  it("a purge of an invalid target throws DefinitionError", async () => {
    const { writer, request } = await setup();
    await expect(writer.purge({ prefixes: ["no-colon"] }, request.ctx)).rejects.toThrow(
      DefinitionError,
    );
    expect(await writer.purge({}, request.ctx)).toBe("done");
    expect(await outboxRows(db)).toEqual([]);
  });
});
