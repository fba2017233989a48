import { eq, sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import { deletionEventOf, stockEventOf } from "../../src/api/stock-events.ts";
import { done, failed } from "../../src/core/faults.ts";
import type { LiveEvent } from "../../src/core/live-event.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createEventDelivery } from "../../src/writes/event-delivery.ts";
import { insertEvents, readEvents } from "../../src/writes/live-events.ts";
import { commit } from "../../src/writes/mutate.ts";
import { liveEvents } from "../../src/writes/schema.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { newCategories, newProduct, testDatabase } from "./database.ts";

type Row = typeof products.$inferSelect;

function setup(broken: readonly string[] = []) {
  const db = testDatabase();
  const namespace = uniqueNamespace();
  const calls: string[] = [];
  const delivery = createEventDelivery({
    db,
    namespace,
    waitMs: 10_000,
    withTimeout,
    topics: {
      async deliver(topic, events) {
        calls.push(topic);
        if (broken.includes(topic)) return failed("live.unavailable", "away");
        const waiting = await readEvents(db, { namespace, topic, after: 0, limit: 500 });
        return done(Math.max(0, ...[...events, ...waiting].map(({ id }) => id)));
      },
    },
  });
  const insert = (topic: string) =>
    insertEvents(db, namespace, sql`select ${topic}::text, null::text, '{}'::text`);
  const age = () =>
    db
      .update(liveEvents)
      .set({ createdAt: sql`now() - interval '10 seconds'` })
      .where(eq(liveEvents.namespace, namespace));
  const rows = () => db.select().from(liveEvents).where(eq(liveEvents.namespace, namespace));
  return { db, namespace, delivery, calls, insert, age, rows, ctx: createTestContext() };
}

const setStock = (db: ReturnType<typeof testDatabase>, id: number, stock: number) => ({
  statements: [db.update(products).set({ stock }).where(eq(products.id, id)).returning()] as const,
  tags: [`product:${id}`],
  liveEvents: stockEventOf(id),
});

describe("the delivery of live events that wait", () => {
  it("events that have waited are delivered topic by topic, and deleted; younger events are left to their writer", async () => {
    const { delivery, calls, insert, age, rows, ctx } = setup();
    for (const topic of ["a", "b", "a"]) await insert(topic);
    await age();
    await insert("young");
    expect(await delivery.deliverWaiting(ctx.now() + 60_000, ctx)).toEqual({ hasMore: false });
    expect(calls).toEqual(["a", "b"]);
    expect((await rows()).map(({ topic }) => topic)).toEqual(["young"]);
  });

  it("topics whose objects fail do not hold back the topics after them, and their events stay", async () => {
    const broken = Array.from({ length: 25 }, (_, i) => `broken-${i}`);
    const { delivery, insert, age, rows, ctx } = setup(broken);
    for (const topic of [...broken, "sound"]) await insert(topic);
    await age();
    expect(await delivery.deliverWaiting(ctx.now() + 60_000, ctx)).toMatchObject({
      hasMore: false,
      fault: { code: "live.unavailable" },
    });
    expect(new Set((await rows()).map(({ topic }) => topic))).toEqual(new Set(broken));
  });

  it("a run whose time has passed delivers nothing and says that there is more", async () => {
    const { delivery, calls, insert, age, ctx } = setup();
    await insert("a");
    await age();
    expect(await delivery.deliverWaiting(ctx.now() - 1, ctx)).toEqual({ hasMore: true });
    expect(calls).toEqual([]);
  });
});

describe("the live events of a change", () => {
  it("an event names the newest event of its topic that waits as its predecessor", async () => {
    const { db, namespace, insert, delivery, ctx, rows } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const heading = { namespace, lagMs: 0 };
    const options = { hasTopics: true };
    const first = await commit<Row>(db, heading, setStock(db, id, 4), options);
    await insert("another topic");
    const second = await commit<Row>(db, heading, setStock(db, id, 3), options);
    const [one] = first.events;
    const [two] = second.events;
    expect(one).toMatchObject({ topic: `stock:${id}`, previous: 0 });
    expect(two).toMatchObject({ previous: one?.id });
    expect(await delivery.deliver([...first.events, ...second.events], ctx)).toBe("done");
    await ctx.settle();
    expect((await rows()).map(({ topic }) => topic)).toEqual(["another topic"]);
    const third = await commit<Row>(db, heading, setStock(db, id, 2), options);
    expect(third.events).toMatchObject([{ previous: 0 }]);
  });

  it("a change that matches no row has no event, although the product exists", async () => {
    const { db, namespace, rows } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const mutation = {
      statements: [
        db
          .update(products)
          .set({ stock: 1 })
          .where(sql`${products.id} = ${id} and false`)
          .returning(),
      ] as const,
      tags: [],
      liveEvents: stockEventOf(id),
    };
    const committed = await commit<Row>(db, { namespace, lagMs: 0 }, mutation, { hasTopics: true });
    expect([committed.value, committed.events]).toEqual([undefined, []]);
    expect(await rows()).toEqual([]);
  });

  it("a deletion has one event, before the row is gone, and none if there is no row", async () => {
    const { db, namespace } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const mutation = () => ({
      statements: [db.delete(products).where(eq(products.id, id)).returning()] as const,
      tags: [`product:${id}`],
      tagQuery: sql`select 'gone'`,
      liveEvents: { before: deletionEventOf(id) },
    });
    const options = { hasTopics: true };
    const heading = { namespace, lagMs: 0 };
    const first = await commit<Row>(db, heading, mutation(), options);
    expect(first.value?.id).toBe(id);
    expect(first.logKeys).toEqual(expect.arrayContaining(["t:gone", `t:product:${id}`]));
    const messages = first.events.map(({ message }: LiveEvent) => JSON.parse(message) as object);
    expect(messages).toMatchObject([{ product_id: id, stock: 0, deleted: true }]);
    expect((await commit<Row>(db, heading, mutation(), options)).events).toEqual([]);
  });

  it("a message of more than 1,024 characters fails the change", async () => {
    const { db, namespace } = setup();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const query = sql`select 'big'::text, null::text, repeat('x', 1025)`;
    await expect(
      commit<Row>(
        db,
        { namespace, lagMs: 0 },
        { ...setStock(db, id, 1), liveEvents: query },
        { hasTopics: true },
      ),
    ).rejects.toThrow(/live_events_message_check/);
  });

  it("20 concurrent changes of one product from two clients get event ids in the order in which the stock changed", async () => {
    const { db, namespace } = setup();
    const other = testDatabase();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    await db.update(products).set({ stock: 100 }).where(eq(products.id, id));
    const down = (client: typeof db) => ({
      statements: [
        client
          .update(products)
          .set({ stock: sql`${products.stock} - 1` })
          .where(eq(products.id, id))
          .returning(),
      ] as const,
      tags: [],
      liveEvents: stockEventOf(id),
    });
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const client = i % 2 === 0 ? db : other;
        return commit<Row>(client, { namespace, lagMs: 0 }, down(client), { hasTopics: true });
      }),
    );
    const events = all.flatMap((committed) => committed.events).toSorted((a, b) => a.id - b.id);
    const stocks = events.map(({ message }) => (JSON.parse(message) as { stock: number }).stock);
    expect(stocks).toEqual(Array.from({ length: 20 }, (_, i) => 99 - i));
  });
});
