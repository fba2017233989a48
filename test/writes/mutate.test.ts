import { and, eq, gte, sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import { categoryOf, NEW_PRODUCT } from "../../src/api/tags.ts";
import { OriginFault } from "../../src/index.ts";
import { createWriter, type Writer } from "../../src/writes/writer.ts";
import { newCategories, newProduct, outboxRows, stockOf, testDatabase } from "./database.ts";
import { createLogDouble, createTestRequest, freeSlot } from "./log-double.ts";

type Product = typeof products.$inferSelect;

function setup() {
  const db = testDatabase();
  const log = createLogDouble();
  return {
    db,
    log,
    writer: createWriter({
      db,
      invalidator: log,
      namespace: "mutate",
      verifyAfterMs: 0,
      takeSlot: freeSlot,
    }),
    request: createTestRequest(),
  };
}

const setStock = (db: ReturnType<typeof testDatabase>, id: number, stock: number) =>
  db.update(products).set({ stock }).where(eq(products.id, id)).returning();

function move(writer: Writer, db: ReturnType<typeof testDatabase>, id: number, to: number) {
  return writer.mutate<Product>(
    {
      statements: [
        db.update(products).set({ categoryId: to }).where(eq(products.id, id)).returning(),
      ],
      tags: [`product:${id}`],
      tagQuery: categoryOf(id),
    },
    createTestRequest().ctx,
  );
}

describe("a mutation", () => {
  it("a mutation commits, invalidates the tags in the isolate, then in the invalidation log, and records the sequence number in the outbox", async () => {
    const { db, log, writer, request } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const written = await writer.mutate<Product>(
      { statements: [setStock(db, id, 9)], tags: [`product:${id}`, "shelf"] },
      request.ctx,
    );
    expect(written).toMatchObject({ value: { id, stock: 9 }, invalidation: "done" });
    expect(log.calls).toEqual([
      `mark t:product:${id},t:shelf`,
      `invalidate t:product:${id},t:shelf`,
    ]);
    await request.settle();
    expect(await outboxRows(db, `t:product:${id}`)).toMatchObject([
      { logKeys: expect.arrayContaining([`t:product:${id}`, "t:shelf"]), settled: true },
    ]);
    const [row] = await outboxRows(db, `t:product:${id}`);
    expect(row?.number).toBe(log.scores.get(`t:product:${id}`));
    expect(request.events).toContainEqual({
      type: "invalidation.end",
      logKeys: 2,
      outcome: "done",
    });
  });

  it("a mutation invalidates the tags that the changed rows had before and after the change", async () => {
    const { db, log, writer } = setup();
    const [from = 0, to = 0] = await newCategories(db, 2);
    const id = await newProduct(db, from);
    await move(writer, db, id, to);
    const logKeys = [`t:category:${from}`, `t:category:${to}`, `t:product:${id}`];
    expect(log.calls.at(-1)).toBe(`invalidate ${logKeys.toSorted().join(",")}`);
  });

  it("a mutation that deletes a row invalidates the row's tags", async () => {
    const { db, log, writer, request } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const statement = db.delete(products).where(eq(products.id, id)).returning();
    await writer.mutate<Product>(
      { statements: [statement], tags: [`product:${id}`], tagQuery: categoryOf(id) },
      request.ctx,
    );
    expect(log.scores.has(`t:category:${category}`)).toBe(true);
  });

  it("a mutation that inserts a row invalidates the new row's tags", async () => {
    const { db, log, writer, request } = setup();
    const [categoryId = 0] = await newCategories(db, 1);
    const values = { name: "New", description: "", priceCents: 1, categoryId, stock: 1 };
    const { value } = await writer.mutate<Product>(
      {
        statements: [db.insert(products).values(values).returning()],
        tags: [`category:${categoryId}`],
        tagQuery: { after: NEW_PRODUCT },
      },
      request.ctx,
    );
    const logKeys = [`t:category:${categoryId}`, `t:product:${value?.id}`];
    expect(log.calls.at(-1)).toBe(`invalidate ${logKeys.toSorted().join(",")}`);
  });

  it("a mutation runs its statements in one transaction", async () => {
    const { db, writer, request } = setup();
    const [category = 0] = await newCategories(db, 1);
    const [one, other] = [await newProduct(db, category), await newProduct(db, category)];
    const failing = writer.mutate<Product>(
      {
        statements: [setStock(db, one, 50), setStock(db, other, -1)],
        tags: [`product:${one}`, `product:${other}`],
      },
      request.ctx,
    );
    await expect(failing).rejects.toThrow(OriginFault);
    expect(await stockOf(db, one)).toBe(5);
    const done = await writer.mutate<Product>(
      { statements: [setStock(db, one, 50), setStock(db, other, 60)], tags: [`product:${one}`] },
      request.ctx,
    );
    expect(done.value?.id).toBe(one);
    expect([await stockOf(db, one), await stockOf(db, other)]).toEqual([50, 60]);
  });

  it("a mutation that matches no row invalidates nothing and leaves no row in the outbox", async () => {
    const { db, log, writer, request } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const missing = 2_000_000_000 + id;
    const unmatched = [
      { statements: [setStock(db, missing, 1)], tags: [`product:${missing}`] },
      {
        statements: [setStock(db, missing, 1)],
        tags: [`product:${missing}`],
        tagQuery: categoryOf(missing),
      },
      // The row exists, and the statement does not match it.
      {
        statements: [
          db
            .update(products)
            .set({ stock: sql`${products.stock} - 100` })
            .where(and(eq(products.id, id), gte(products.stock, 100)))
            .returning(),
        ],
        tags: [`product:${id}`],
        tagQuery: categoryOf(id),
      },
    ] as const;
    for (const mutation of unmatched) {
      const written = await writer.mutate<Product>(mutation, request.ctx);
      expect(written).toEqual({ value: undefined, invalidation: "done" });
    }
    expect(log.calls).toEqual([]);
    await request.settle();
    expect(await outboxRows(db, `t:product:${missing}`)).toEqual([]);
    expect(await outboxRows(db, `t:product:${id}`)).toEqual([]);
  });

  it("a mutation that the database rejects invalidates nothing and leaves no row in the outbox", async () => {
    const { db, log, writer, request } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const refused = move(writer, db, id, 2_000_000_000);
    await expect(refused).rejects.toMatchObject({ sqlState: "23503", name: "OriginFault" });
    expect(log.calls).toEqual([]);
    expect(await outboxRows(db, `t:product:${id}`)).toEqual([]);
    expect(request.events).toEqual([]);
  });

  it("a mutation passes tags with special characters to the invalidation log unchanged", async () => {
    const { db, log, writer, request } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const tags = [
      "!seq",
      '"quoted"',
      "back\\slash",
      "{a,b}",
      "NULL",
      "'; drop table outbox",
      "💩",
      "~soft",
    ];
    await writer.mutate<Product>({ statements: [setStock(db, id, 1)], tags }, request.ctx);
    expect([...log.scores.keys()].toSorted()).toEqual(tags.map((tag) => `t:${tag}`).toSorted());
  });

  it("a mutation with an invalid tag throws an error before any write to the database", async () => {
    const { db, writer, request } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const broken = { statements: [setStock(db, id, 77)], tags: ["a\nb"] } as const;
    await expect(writer.mutate<Product>(broken, request.ctx)).rejects.toThrow("control characters");
    expect(await stockOf(db, id)).toBe(5);
  });
});

describe("concurrent mutations of one row", () => {
  it("each of several concurrent moves of a product invalidates the category that the product left", async () => {
    const { db, log, writer } = setup();
    const [start = 0, ...targets] = await newCategories(db, 9);
    const id = await newProduct(db, start);
    await Promise.all(targets.map((to) => move(writer, db, id, to)));

    const moves = log.calls
      .filter((call) => call.startsWith("invalidate "))
      .map((call) => [...call.matchAll(/category:(\d+)/g)].map((match) => Number(match[1])));
    // Each move names two categories: where it found the product and where it put it. So the moves
    // form a chain, in which the product leaves every category but the last exactly once.
    expect(moves.map((named) => named.length)).toEqual(targets.map(() => 2));
    const [row] = await db.select().from(products).where(eq(products.id, id));
    const times = new Map<number, number>();
    for (const category of moves.flat()) times.set(category, (times.get(category) ?? 0) + 1);
    for (const category of [start, ...targets]) {
      const isEnd = category === start || category === row?.categoryId;
      expect({ category, times: times.get(category) }).toEqual({ category, times: isEnd ? 1 : 2 });
    }
  });
});
