import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Answer } from "./support/client.ts";
import { checkHistory, type Acknowledged, type Observed } from "./support/history.ts";
import type { Product } from "./support/product.ts";
import type { Fault } from "./support/services.ts";
import { products } from "./support/shared-products.ts";

const COHERENCE_MS = 1_000;
/** For instants that are cut to milliseconds, in three processes with one clock. */
const SLACK_MS = 100;
const FOR_MS = 6_000;
const READERS = 6;
const READ_EVERY_MS = 40;

let product: Product;
products.beforeAll(({ shopWithCron }) => void (product = shopWithCron));

interface Race {
  readonly name: string;
  /** The products written, all in the first page of the list. */
  readonly ids: readonly number[];
  readonly writeEveryMs: number;
  /** Readers ask the second instance alone, and writers the first. */
  readonly apart?: boolean;
  readonly redis?: Fault;
  readonly sql?: Fault;
  readonly flushEveryMs?: number;
}

const RACES: readonly Race[] = [
  { name: "writes are many", ids: [1, 2, 3], writeEveryMs: 120 },
  // Nothing but the window itself tells the second instance of a write: all that it reads is in memory.
  { name: "writes are few and come from elsewhere", ids: [13], writeEveryMs: 730, apart: true },
  {
    name: "Redis takes 50 ms and SQL 100 ms",
    ids: [4, 5, 6],
    writeEveryMs: 120,
    redis: { latencyMs: 50 },
    sql: { latencyMs: 100 },
  },
  {
    name: "Redis is slow now and then and fails one call in ten",
    ids: [7, 8, 9],
    writeEveryMs: 120,
    redis: { jitterMs: 150, errorRate: 0.1 },
  },
  {
    name: "Redis loses everything every 700 ms",
    ids: [10, 11, 12],
    writeEveryMs: 120,
    flushEveryMs: 700,
  },
];

describe("readers and writers on two instances", () => {
  it.each(RACES)("no read is older than the coherence window when $name", async (race) => {
    const { services } = product;
    if (race.redis !== undefined) await services.fault("redis", race.redis);
    if (race.sql !== undefined) await services.fault("sql", race.sql);
    const until = Date.now() + FOR_MS;
    const flushes =
      race.flushEveryMs === undefined ? Promise.resolve() : flush(race.flushEveryMs, until);
    const [written, seen] = await settle(
      Promise.all([
        Promise.all(
          race.ids.map((id, n) => write(id, race.apart ? 0 : n % 2, race.writeEveryMs, until)),
        ),
        Promise.all(
          Array.from({ length: READERS }, (_, n) => read(race, race.apart ? 1 : n % 2, until)),
        ),
        flushes,
      ]),
    );
    const writes = written.flat();
    const reads = seen.flat();
    const { violations, longestMs } = checkHistory(writes, reads, COHERENCE_MS + SLACK_MS);
    console.info(
      `${race.name}: ${writes.length} acknowledged writes, ${reads.length} observations,`,
      `the oldest value was shown ${longestMs} ms after a newer one was acknowledged`,
    );
    expect(violations).toEqual([]);
    // That there was a race at all.
    expect(writes.length).toBeGreaterThan(5);
    expect(reads.length).toBeGreaterThan(50);
    if (race.apart) expect(longestMs, "the window was never used").toBeGreaterThan(0);
  });
});

/** Raises a product's stock one by one. Only writes that every reader was told of are owed to readers. */
async function write(
  id: number,
  instance: number,
  everyMs: number,
  until: number,
): Promise<Acknowledged[]> {
  const done: Acknowledged[] = [];
  for (let number = 1; Date.now() < until; number++) {
    // Each from an address of its own: nobody may write so often.
    const answer = await product.client().write(instance, "PATCH", `/products/${id}/stock`, {
      stock: 10_000 + number,
    });
    expect([200, 503]).toContain(answer.status);
    if (answer.headers["x-invalidation"] === "done")
      done.push({ id, number: 10_000 + number, at: answer.endedAt });
    await pause(everyMs);
  }
  return done;
}

/** Reads the products one by one and in the list that shows them all. */
async function read({ ids, apart }: Race, instance: number, until: number): Promise<Observed[]> {
  const seen: Observed[] = [];
  for (let n = instance; Date.now() < until; n++) {
    const client = product.client();
    const path = n % 4 === 3 && !apart ? "/products" : `/products/${ids[n % ids.length]}`;
    const answer = await client.get(instance, path);
    expect(answer.status, answer.body).toBe(200);
    // Marked as outside the guarantee.
    if (!answer.headers["cache-status"]?.includes("unreachable"))
      seen.push(...observe(answer, ids, instance));
    await pause(READ_EVERY_MS);
  }
  return seen;
}

function observe(answer: Answer, ids: readonly number[], instance: number): Observed[] {
  type Shown = { id: number; stock: number };
  const body = JSON.parse(answer.body) as Shown | { items: Shown[] };
  const shown = "items" in body ? body.items : [body];
  const by = `instance ${instance + 1}, ${answer.headers["cache-status"]}`;
  return shown
    .filter(({ id }) => ids.includes(id))
    .map(({ id, stock }) => ({ id, number: stock, at: answer.startedAt, by }));
}

/** Whatever comes of it, the faults end with it. */
async function settle<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } finally {
    await product.services.heal();
  }
}

async function flush(everyMs: number, until: number): Promise<void> {
  while (Date.now() < until) {
    await pause(everyMs);
    await product.services.redis("FLUSHALL");
  }
}
