/** The second invalidation of a write whose origin lags, by the alarm or by the cron trigger. */
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
/** The delay that a busy machine may add. */
const TOLERANCE_MS = 3_000;
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
  /** The first number of each log key. */
  const numbers = new Map<string, number>();
  vi.spyOn(coherence, "invalidate").mockImplementation(async (logKeys, ctx) => {
    const result = await invalidate(logKeys, ctx);
    for (const logKey of logKeys) if (result.ok) numbers.set(logKey, result.value.seq);
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
    /** Writes a row with an origin lag. */
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
    /** Runs the alarm now. */
    ring: () => runDurableObjectAlarm(stub),
    /** Makes the second invalidation due now. */
    makeDue: () => db.update(outbox).set({ lagMs: 0 }),
    /** How long the second invalidation came after the first. Numbers are microseconds of Redis' clock. */
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

describe("a load from a replica that lags", () => {
  it("an old value that was loaded from a lagging database replica is invalidated when the lag is over, before the cron trigger", async () => {
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
    // This load began after the first invalidation, so its value stays.
    expect(await read()).toEqual(["miss", "old"]);
    replica = "new";
    isolate.clock.advance(WINDOW_MS);
    expect(await read()).toEqual(["hit-memory", "old"]);

    const afterMs = await secondAfterMs("stock");
    expect(afterMs).toBeGreaterThanOrEqual(LAG_MS);
    expect(afterMs).toBeLessThan(LAG_MS + TOLERANCE_MS);
    isolate.clock.advance(WINDOW_MS);
    expect(await read()).toEqual(["miss", "new"]);
  });
});

describe("the alarm of the outbox", () => {
  it("the alarm of the outbox Durable Object makes the second invalidation of a write when it is due, and is not set again", async () => {
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
  ])(
    "the alarm of the outbox Durable Object makes the second invalidations of two writes on time, %s",
    async (_, delays) => {
      const { write, secondAfterMs } = await setup();
      for (const delay of delays) await write(delay, `after-${delay}`);
      await Promise.all(
        delays.map(async (delay) => {
          const afterMs = await secondAfterMs(`after-${delay}`);
          expect(afterMs).toBeGreaterThanOrEqual(delay);
          expect(afterMs).toBeLessThan(delay + TOLERANCE_MS);
        }),
      );
    },
  );

  it("the alarm of the outbox Durable Object is set again for an outbox row that is due later", async () => {
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

  it("the alarm of the outbox Durable Object leaves the outbox row open while Redis fails, and retries with growing pauses", async () => {
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

  it("the second invalidation of a write that failed because Redis was away is made after Redis is back", async () => {
    const { write, secondAfterMs, row, failures } = await setup();
    await write(200, "a");
    await putFault("redis", { status: 500 });
    // The alarm has run, has failed and was set again.
    await vi.waitFor(async () => expect(await failures()).toBeGreaterThan(0), { timeout: 10_000 });
    expect(await row("a")).toMatchObject({ settled: false });
    await clearFaults();
    expect(await secondAfterMs("a")).toBeGreaterThanOrEqual(200);
  });
});

describe("second invalidations without the alarm", () => {
  it("the cron trigger makes the second invalidation of a write if the alarm for this invalidation was lost", async () => {
    const { isolate, stub, write, makeDue, row } = await setup();
    await write(LONG, "a");
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
    await makeDue();
    await isolate.layer.scheduled(isolate.request().ctx);
    expect(await row("a")).toMatchObject({ settled: true });
  });

  it("a write succeeds although the alarm for its second invalidation cannot be set, and the cron trigger makes this invalidation", async () => {
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

  it("the cron trigger sets the alarm for the second invalidation of a write after making the first invalidation", async () => {
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

describe("rows of another namespace", () => {
  it("an alarm and a cron trigger do not change outbox rows of other namespaces", async () => {
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
