/** What the breaker of SQL does for reads, writes and purges. */
import { eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import {
  CacheUnavailable,
  definePolicy,
  key,
  OriginFault,
  type StrataOptions,
} from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { interceptSql, type SqlNetwork } from "./sql-network.ts";

/** The default of the option `breaker.originFailures`. */
const FAILURES = 10;
const OPEN_MS = 1_000;

const base = { freshFor: "1m", jitter: 0, flight: "isolate" } as const;
const policy = definePolicy(base);
const stale = definePolicy({ ...base, staleIfError: "1h" });

let sql: SqlNetwork;

beforeEach(() => {
  sql = interceptSql();
});
afterEach(() => sql.restore());

function open(options: StrataOptions = {}): TestIsolate {
  const isolate = createTestIsolate({ namespace: uniqueNamespace(), options });
  isolate.clock.stop();
  return isolate;
}

/** Reads a product through the cache. */
function read({ layer, request }: TestIsolate, id: number, how = policy) {
  return request().read(key("product", id), how, async () => {
    const [row] = await layer.db.select().from(products).where(eq(products.id, id));
    return row?.name ?? null;
  });
}

/** Makes loads of different keys fail until the breaker opens. */
async function breakSql(isolate: TestIsolate): Promise<void> {
  sql.behaviour = "fails";
  for (let id = 1; id <= FAILURES; id++) await read(isolate, 1_000 + id).catch(() => undefined);
  expect(isolate.layer.breakers.sql.status().state).toBe("open");
}

const mutation = ({ layer }: TestIsolate, id: number) => ({
  statements: [
    layer.db.update(products).set({ stock: 1 }).where(eq(products.id, id)).returning(),
  ] as const,
  tags: [`product:${id}`],
});

async function faultOf(work: Promise<unknown>): Promise<CacheUnavailable["fault"]> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CacheUnavailable || error instanceof OriginFault) return error.fault;
  throw new Error(`not a fault: ${String(error)}`);
}

describe("reads while SQL fails", () => {
  it.each([
    ["fails every request", "fails"],
    ["refuses every request because a quota of the vendor is used up", "refuses"],
  ] as const)(
    "while SQL %s, each read sends one query until the breaker opens, and further reads send none",
    async (_how, behaviour) => {
      const isolate = open();
      sql.behaviour = behaviour;
      for (let id = 1; id <= 40; id++) {
        const { code } = await faultOf(read(isolate, id));
        expect(code).toBe(id <= FAILURES ? "origin.unavailable" : "origin.open");
      }
      expect(sql.attempts()).toBe(FAILURES);
      expect(sql.probes()).toBe(0);
    },
  );

  it("a read that the breaker of SQL refuses says after how long a client may try again", async () => {
    const isolate = open();
    await breakSql(isolate);
    expect(await faultOf(read(isolate, 99))).toMatchObject({
      code: "origin.open",
      retryAfterMs: OPEN_MS,
    });
  });

  it("an open breaker of SQL sends its probes in the background, and lets reads through after one was answered", async () => {
    const isolate = open();
    await breakSql(isolate);
    sql.sent.length = 0;
    isolate.clock.advance(OPEN_MS);
    const refused = await Promise.all(
      Array.from({ length: 20 }, (_, at) => faultOf(read(isolate, 100 + at))),
    );
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["origin.open"]));
    await expect.poll(() => isolate.layer.breakers.sql.status().state).toBe("open");
    expect([sql.attempts(), sql.probes()]).toEqual([0, 1]);

    sql.behaviour = "works";
    // The open time has doubled after the probe that failed.
    isolate.clock.advance(2 * OPEN_MS);
    await faultOf(read(isolate, 120));
    await expect.poll(() => isolate.layer.breakers.sql.status().state).toBe("closed");
    expect((await read(isolate, 1)).value).toBeTypeOf("string");
  });

  it("a read that the breaker of SQL refuses is answered with a stale entry if the policy allows it", async () => {
    const isolate = open();
    const first = await read(isolate, 7, stale);
    await breakSql(isolate);
    isolate.clock.advance(60_001);
    sql.sent.length = 0;
    expect(await read(isolate, 7, stale)).toMatchObject({
      status: "stale-on-error",
      value: first.value,
    });
    expect(sql.attempts()).toBe(0);
  });

  it("a load that the breaker refused causes no pause of its key after the breaker has closed", async () => {
    const isolate = open();
    await breakSql(isolate);
    for (let i = 0; i < 5; i++) await faultOf(read(isolate, 50));
    sql.behaviour = "works";
    isolate.clock.advance(OPEN_MS);
    await faultOf(read(isolate, 51));
    await expect.poll(() => isolate.layer.breakers.sql.status().state).toBe("closed");
    expect((await read(isolate, 50)).value).toBeTypeOf("string");
  });

  it("statements that SQL rejects never open the breaker of SQL", async () => {
    const isolate = open();
    for (let i = 0; i < 3 * FAILURES; i++)
      await expect(isolate.layer.db.execute("select nonsense from nowhere")).rejects.toThrow(
        "origin.rejected",
      );
    expect(isolate.layer.breakers.sql.status()).toMatchObject({ state: "closed", failureRate: 0 });
  });
});

describe("slots while SQL hangs", () => {
  it("once the breaker of SQL is open, a read does not wait for the slots of loads that hang, and fails at once", async () => {
    const isolate = open({
      origin: { slots: 3, slotWait: "1m" },
      breaker: { originFailures: 3 },
    });
    sql.behaviour = "hangs";
    const hanging = [1, 2].map((id) => read(isolate, id).catch(() => undefined));
    await expect.poll(() => sql.attempts()).toBe(2);
    await breakSql(isolate);
    // The failed loads have lowered the limit to one slot.
    expect((await faultOf(read(isolate, 99))).code).toBe("origin.saturated");
    await Promise.all(hanging);
  });
});

describe("writes while the breaker of SQL is open", () => {
  it("a write that the breaker of SQL refuses is not sent, invalidates nothing, and fails with the error code `origin.open`", async () => {
    const isolate = open();
    const tagged = definePolicy({ ...base, tags: ["product:8"] });
    await read(isolate, 8, tagged);
    await isolate.settle();
    await breakSql(isolate);
    sql.sent.length = 0;
    isolate.events.length = 0;
    const { ctx } = isolate.request();
    expect(await faultOf(isolate.layer.writer.mutate(mutation(isolate, 8), ctx))).toMatchObject({
      code: "origin.open",
      retryAfterMs: OPEN_MS,
    });
    await isolate.settle();
    expect(sql.sent).toEqual([]);
    expect(isolate.events.filter(({ type }) => type === "invalidation.end")).toEqual([]);
    expect(await read(isolate, 8, tagged)).toMatchObject({ status: "hit-memory" });
  });

  it("a purge while the breaker of SQL is open goes to the invalidation log", async () => {
    const isolate = open();
    const tagged = definePolicy({ ...base, tags: ["purged"] });
    await read(isolate, 9, tagged);
    await breakSql(isolate);
    const { ctx } = isolate.request();
    expect(await isolate.layer.writer.purge({ tags: ["purged"] }, ctx)).toBe("done");
    expect(await faultOf(read(isolate, 9, tagged))).toMatchObject({ code: "origin.open" });
  });
});
