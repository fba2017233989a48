import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Answer } from "./support/client.ts";
import { checkHistory, type Acknowledged, type Observed } from "./support/history.ts";
import type { Product } from "./support/product.ts";
import type { Fault } from "./support/services.ts";
import { products } from "./support/shared-products.ts";

const COHERENCE_MS = 1_000;
/** Allowance for clocks with millisecond resolution in three processes. */
const SLACK_MS = 100;
const FOR_MS = 6_000;
const READERS = 6;
const READ_EVERY_MS = 40;

let product: Product;
products.beforeAll(({ shopWithCron }) => void (product = shopWithCron));

interface Race {
  readonly name: string;
  /** The products that are written. All are on the first page of the list. */
  readonly ids: readonly number[];
  readonly writeEveryMs: number;
  /** All readers use the second instance, and all writers the first. */
  readonly apart?: boolean;
  readonly redis?: Fault;
  readonly sql?: Fault;
  readonly flushEveryMs?: number;
}

const RACES: readonly Race[] = [
  { name: "writes are frequent", ids: [1, 2, 3], writeEveryMs: 120 },
  // The second instance reads only from memory, so only a sync of the log tells it of a write.
  {
    name: "writes are rare and come through the other instance",
    ids: [13],
    writeEveryMs: 730,
    apart: true,
  },
  {
    name: "Redis takes 50 ms and SQL 100 ms",
    ids: [4, 5, 6],
    writeEveryMs: 120,
    redis: { latencyMs: 50 },
    sql: { latencyMs: 100 },
  },
  {
    name: "Redis is slow at times and fails one call in ten",
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

describe("reads and writes on two instances", () => {
  it.each(RACES)(
    "no read on either of two Worker instances shows a value that a write replaced more than about a second before, when $name",
    async (race) => {
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
      // There were enough writes and reads for a race.
      expect(writes.length).toBeGreaterThan(5);
      expect(reads.length).toBeGreaterThan(50);
      if (race.apart) expect(longestMs, "no read used the coherence window").toBeGreaterThan(0);
    },
  );
});

/** Raises a product's stock step by step. Returns the writes whose invalidation was acknowledged. */
async function write(
  id: number,
  instance: number,
  everyMs: number,
  until: number,
): Promise<Acknowledged[]> {
  const done: Acknowledged[] = [];
  for (let number = 1; Date.now() < until; number++) {
    // Each write has its own client address: the rate limit of one would be exceeded.
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

/** Reads the products, one by one and in the list of all. */
async function read({ ids, apart }: Race, instance: number, until: number): Promise<Observed[]> {
  const seen: Observed[] = [];
  for (let n = instance; Date.now() < until; n++) {
    const client = product.client();
    const path = n % 4 === 3 && !apart ? "/products" : `/products/${ids[n % ids.length]}`;
    const answer = await client.get(instance, path);
    expect(answer.status, answer.body).toBe(200);
    // A response marked unreachable is outside the guarantee.
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

/** Waits for the work, and then ends all faults. */
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
