/** The second invalidation of a write whose origin lags: at its time, by the alarm or without it. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { products } from "../../src/api/schema.ts";
import { outboxObject } from "../../src/durable/alarm-port.ts";
import { definePolicy, key, type Bindings, type Duration } from "../../src/index.ts";
import { outbox } from "../../src/writes/schema.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { newCategories, newProduct, outboxRows, testDatabase } from "./database.ts";
import { clearFaults, putFault } from "./faults.ts";

const db = testDatabase();
const policy = definePolicy({ freshFor: "1h", jitter: 0, flight: "isolate" });
/** What a busy machine may add. */
const A_LITTLE_MS = 3_000;
/** Long enough for a few reads. */
const LAG_MS = 2_000;
const LONG = "1h";

beforeEach(async () => {
  await db.delete(outbox);
});
afterEach(clearFaults);

async function setup(bindings: Partial<Bindings> = {}) {
  const namespace = uniqueNamespace();
  const isolate = createTestIsolate({ namespace, bindings });
  const { coherence } = isolate.layer;
  const { invalidate } = coherence;
  /** The first number of each member. */
  const numbers = new Map<string, number>();
  vi.spyOn(coherence, "invalidate").mockImplementation(async (members, ctx) => {
    const result = await invalidate(members, ctx);
    for (const member of members) if (result.ok) numbers.set(member, result.value.seq);
    return result;
  });
  const { OUTBOX } = env;
  if (OUTBOX === undefined) throw new Error("OUTBOX is not bound");
  const stub = OUTBOX.get(OUTBOX.idFromName(outboxObject(namespace)));
  const [category = 0] = await newCategories(db, 1);

  return {
    isolate,
    namespace,
    stub,
    /** Writes a row that a replica shows later. */
    async write(originLag: Duration, tag: string): Promise<void> {
      const id = await newProduct(db, category);
      const { ctx } = isolate.request();
      await isolate.layer.writer.mutate<typeof products.$inferSelect>(
        {
          statements: [
            db
              .update(products)
              .set({ stock: 9 })
              .where(sql`${products.id} = ${id}`)
              .returning(),
          ],
          tags: [tag],
          originLag,
        },
        ctx,
      );
      await isolate.settle();
    },
    row: async (tag: string) => (await outboxRows(db, `t:${tag}`))[0],
    alarm: () => runInDurableObject(stub, (_, { storage }) => storage.getAlarm()),
    failures: () =>
      runInDurableObject(
        stub,
        async (_, { storage }) => (await storage.get<number>("failures")) ?? 0,
      ),
    /** The alarm's time has come. */
    ring: () => runDurableObjectAlarm(stub),
    /** The second invalidation's time has come, in the outbox. */
    makeDue: () => db.update(outbox).set({ lagMs: 0 }),
    /** Numbers are microseconds of Redis' clock: how long the second came after the first. */
    async secondAfterMs(tag: string): Promise<number> {
      const first = numbers.get(`t:${tag}`) ?? Infinity;
      const row = await vi.waitFor(
        async () => {
          const [found] = await outboxRows(db, `t:${tag}`);
          expect(found?.settled).toBe(true);
          return found;
        },
        { timeout: 10_000, interval: 20 },
      );
      return ((row?.number ?? 0) - first) / 1_000;
    },
  };
}

describe("what a load reads from a replica that lags behind the write", () => {
  it("is gone when the lag is over and a little, not with the next run of the cron trigger", async () => {
    const { isolate, write, secondAfterMs } = await setup();
    let replica = "old";
    const item = key("stock", 1);
    const read = async () => {
      const found = await isolate.request().read(item, policy, async (load) => {
        load.tag("stock");
        return replica;
      });
      await isolate.settle();
      return [found.status, found.value];
    };
    await read();
    await write(LAG_MS, "stock");
    // The first invalidation is known, and this load began after it: its value stays.
    expect(await read()).toEqual(["miss", "old"]);
    replica = "new";
    isolate.clock.advance(WINDOW_MS);
    expect(await read()).toEqual(["hit-memory", "old"]);

    const afterMs = await secondAfterMs("stock");
    expect(afterMs).toBeGreaterThanOrEqual(LAG_MS);
    expect(afterMs).toBeLessThan(LAG_MS + A_LITTLE_MS);
    isolate.clock.advance(WINDOW_MS);
    expect(await read()).toEqual(["miss", "new"]);
  });
});

describe("the alarm of the outbox", () => {
  it("does what the outbox says is due, and is set for nothing more", async () => {
    const { write, alarm, ring, makeDue, row } = await setup();
    await write(LONG, "a");
    expect(await alarm()).toBeGreaterThan(Date.now() + 3_500_000);
    await makeDue();
    const first = (await row("a"))?.number ?? 0;
    expect(await ring()).toBe(true);
    expect(await row("a")).toMatchObject({ settled: true });
    expect((await row("a"))?.number).toBeGreaterThan(first);
    expect(await alarm()).toBeNull();
  });

  it.each([
    ["the later one first", [900, 300]],
    ["the sooner one first", [300, 900]],
  ])("serves two writes at their times, %s", async (_, delays) => {
    const { write, secondAfterMs } = await setup();
    for (const delay of delays) await write(delay, `after-${delay}`);
    await Promise.all(
      delays.map(async (delay) => {
        const afterMs = await secondAfterMs(`after-${delay}`);
        expect(afterMs).toBeGreaterThanOrEqual(delay);
        expect(afterMs).toBeLessThan(delay + A_LITTLE_MS);
      }),
    );
  });

  it("is set anew for what is due later", async () => {
    const { write, alarm, ring, row } = await setup();
    await write("2h", "later");
    await write(LONG, "sooner");
    await db
      .update(outbox)
      .set({ lagMs: 0 })
      .where(sql`'t:sooner' = any(${outbox.logKeys})`);
    await ring();
    expect(await row("sooner")).toMatchObject({ settled: true });
    expect(await row("later")).toMatchObject({ settled: false });
    expect(await alarm()).toBeGreaterThan(Date.now() + 7_100_000);
  });

  it("that finds Redis away leaves the row, and tries again after longer and longer", async () => {
    const { write, alarm, ring, makeDue, row } = await setup();
    await write(LONG, "a");
    await makeDue();
    await putFault("redis", { status: 500 });
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      await ring();
      waits.push(((await alarm()) ?? 0) - Date.now());
      expect(await row("a")).toMatchObject({ settled: false });
    }
    const [first = 0, second = 0, third = 0] = waits;
    expect(first).toBeLessThanOrEqual(1_000);
    expect(second).toBeGreaterThan(1_000);
    expect(third).toBeGreaterThan(2_000);
    expect(third).toBeLessThanOrEqual(4_000);

    await clearFaults();
    await ring();
    expect(await row("a")).toMatchObject({ settled: true });
  });

  it("comes by itself when Redis is back", async () => {
    const { write, secondAfterMs, row, failures } = await setup();
    await write(200, "a");
    await putFault("redis", { status: 500 });
    // It rang, and was set anew.
    await vi.waitFor(async () => expect(await failures()).toBeGreaterThan(0), { timeout: 10_000 });
    expect(await row("a")).toMatchObject({ settled: false });
    await clearFaults();
    expect(await secondAfterMs("a")).toBeGreaterThanOrEqual(200);
  });
});

describe("without the alarm", () => {
  it("the cron trigger does it: the alarm was lost", async () => {
    const { isolate, stub, write, makeDue, row } = await setup();
    await write(LONG, "a");
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
    await makeDue();
    await isolate.layer.scheduled(isolate.request().ctx);
    expect(await row("a")).toMatchObject({ settled: true });
  });

  it("the cron trigger does it: the object could not be reached, and the write is as good", async () => {
    const gone = () => ({ wake: () => Promise.reject(new Error("the object is gone")) });
    const OUTBOX = { idFromName: () => "id", get: gone } as unknown as DurableObjectNamespace;
    const { isolate, write, makeDue, row } = await setup({ OUTBOX });
    await write(LONG, "a");
    expect(isolate.events).toContainEqual({
      type: "fault.raise",
      fault: { code: "background.failed", message: "the object is gone" },
    });
    await makeDue();
    await isolate.layer.scheduled(isolate.request().ctx);
    expect(await row("a")).toMatchObject({ settled: true });
  });

  it("the cron trigger sets it, where the first invalidation was its own", async () => {
    const { isolate, write, alarm, row } = await setup();
    await putFault("redis", { status: 500 });
    await write(LONG, "a");
    expect(await row("a")).toMatchObject({ number: null });
    expect(await alarm()).toBeNull();
    await clearFaults();
    await isolate.layer.scheduled(isolate.request().ctx);
    await isolate.settle();
    expect(await row("a")).toMatchObject({ settled: false, number: expect.any(Number) });
    expect(await alarm()).toBeGreaterThan(Date.now() + 3_500_000);
  });
});

describe("a row of another namespace", () => {
  it("is left to it, whoever's alarm or cron trigger runs", async () => {
    const mine = await setup();
    const other = await setup();
    await mine.write(LONG, "mine");
    await other.write(LONG, "other");
    await mine.makeDue();
    await mine.ring();
    await mine.isolate.layer.scheduled(mine.isolate.request().ctx);
    expect(await mine.row("mine")).toMatchObject({ settled: true, namespace: mine.namespace });
    expect(await mine.row("other")).toMatchObject({ settled: false, namespace: other.namespace });
    await other.ring();
    expect(await mine.row("other")).toMatchObject({ settled: true });
  });
});
