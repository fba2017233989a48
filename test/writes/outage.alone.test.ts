import { eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import { categoryOf } from "../../src/api/tags.ts";
import { CacheUnavailable, DefinitionError, WriteUnconfirmed } from "../../src/index.ts";
import { outbox } from "../../src/writes/schema.ts";
import { createWriter } from "../../src/writes/writer.ts";
import { newCategories, newProduct, outboxRows, stockOf, testDatabase } from "./database.ts";
import { clearFaults, putFault } from "./faults.ts";
import { createLogDouble, createTestRequest } from "./log-double.ts";

type Product = typeof products.$inferSelect;

/** Gives up soon, so that a hanging database is not waited for. */
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

describe("a write while Redis is away", () => {
  it("is committed, and invalidated by the next write that succeeds", async () => {
    const { log, request, id, tags, setStock } = await setup();
    log.isAway = true;
    expect(await setStock(8)).toMatchObject({ value: { stock: 8 }, invalidation: "deferred" });
    await request.settle();
    expect(await stockOf(db, id)).toBe(8);
    expect(log.calls[0]).toBe(`dead ${tags.join(",")}`);
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

  it("is invalidated by the relay where no other write comes", async () => {
    const { log, writer, request, tags, setStock } = await setup();
    log.isAway = true;
    await setStock(8);
    log.isAway = false;
    expect(await writer.relay(request.ctx)).toMatchObject({ invalidated: 2 });
    expect([...log.scores.keys()].toSorted()).toEqual(tags);
  });
});

describe("a write whose commit was not confirmed", () => {
  it("that happened is invalidated at once as far as its tags are known, and then wholly", async () => {
    const { log, writer, request, id, tags, setStock } = await setup();
    await putFault("sql", { hang: "after", only: "write" });
    await expect(setStock(8)).rejects.toThrow(WriteUnconfirmed);
    expect(log.calls).toEqual([`dead t:product:${id}`, `invalidate t:product:${id}`]);
    await clearFaults();
    await request.settle();

    expect(await stockOf(db, id)).toBe(8);
    await writer.relay(request.ctx);
    expect([...log.scores.keys()].toSorted()).toEqual(tags);
  });

  it("is finished by the relay in the background, without waiting for the cron trigger", async () => {
    const { log, request, tags, setStock } = await setup();
    await putFault("sql", { reset: true, only: "write" });
    await expect(setStock(8)).rejects.toThrow(WriteUnconfirmed);
    await request.settle();
    expect([...log.scores.keys()].toSorted()).toEqual(tags);
  });

  it("that did not happen leaves nothing behind", async () => {
    const { log, request, id, setStock } = await setup();
    await putFault("sql", { errorRate: 1, status: 503, only: "write" });
    await expect(setStock(8)).rejects.toMatchObject({ fault: { code: "origin.unavailable" } });
    expect(log.scores.has(`t:product:${id}`)).toBe(true);
    await clearFaults();
    await request.settle();
    expect(await stockOf(db, id)).toBe(5);
    expect(await outboxRows(db)).toEqual([]);
  });

  it.each([{ truncate: true }, { reset: true }])("is told as such for %j", async (fault) => {
    const { log, id, setStock } = await setup();
    await putFault("sql", { ...fault, only: "write" });
    await expect(setStock(8)).rejects.toMatchObject({
      name: "WriteUnconfirmed",
      fault: { code: "origin.unavailable" },
    });
    expect(log.scores.has(`t:product:${id}`)).toBe(true);
  });
});

describe("a purge", () => {
  it("goes through the outbox, and is done with once the log has it", async () => {
    const { log, writer, request } = await setup();
    const targets = { tags: ["a"], keys: ["product:1"], prefixes: ["product:"], everything: true };
    expect(await writer.purge(targets, request.ctx)).toBe("done");
    expect(log.calls).toEqual([
      "dead k:product:1,n:,p:product:,t:a",
      "invalidate k:product:1,n:,p:product:,t:a",
    ]);
    await request.settle();
    expect(await outboxRows(db)).toMatchObject([{ number: log.scores.get("n:"), settled: true }]);
    expect(await writer.relay(request.ctx)).toMatchObject({ deleted: 1 });
  });

  it("that is soft names soft members", async () => {
    const { log, writer, request } = await setup();
    await writer.purge({ tags: ["a"], soft: true }, request.ctx);
    expect(log.calls.at(-1)).toBe("invalidate ~t:a");
  });

  it("waits in the outbox while Redis is away", async () => {
    const { log, writer, request } = await setup();
    log.isAway = true;
    expect(await writer.purge({ tags: ["a"] }, request.ctx)).toBe("deferred");
    log.isAway = false;
    await writer.relay(request.ctx);
    expect(log.scores.has("t:a")).toBe(true);
  });

  it("needs no database", async () => {
    const { log, writer, request } = await setup();
    await putFault("sql", { errorRate: 1 });
    expect(await writer.purge({ tags: ["a"] }, request.ctx)).toBe("done");
    expect(log.scores.has("t:a")).toBe(true);
    expect(request.events).toContainEqual(expect.objectContaining({ type: "fault.raise" }));
  });

  it("is refused where neither can take it", async () => {
    const { log, writer, request } = await setup();
    log.isAway = true;
    await putFault("sql", { errorRate: 1 });
    await expect(writer.purge({ tags: ["a"] }, request.ctx)).rejects.toThrow(CacheUnavailable);
  });

  it("of what cannot be purged is a mistake of the caller", async () => {
    const { writer, request } = await setup();
    await expect(writer.purge({ prefixes: ["no-colon"] }, request.ctx)).rejects.toThrow(
      DefinitionError,
    );
    expect(await writer.purge({}, request.ctx)).toBe("done");
    expect(await outboxRows(db)).toEqual([]);
  });
});
