/**
 * Transactions of drizzle-orm under the cache. The pool is a model of one row with read committed isolation: the
 * embedded Postgres has one connection, so that no reader could run beside a transaction.
 */
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { pgTable, integer } from "drizzle-orm/pg-core";
import type { Pool } from "pg";
import { describe, expect, it } from "vitest";
import { withCache } from "../../src/entries/drizzle.ts";
import { createGate } from "../support/gate.ts";
import { createIsolates, WINDOW_MS, type StrataIsolates } from "./isolates.ts";

const stock = pgTable("stock", {
  id: integer("id").primaryKey(),
  count: integer("count").notNull(),
});

class RowPool {
  count = 1;
  queries = 0;
  /** Called before a commit takes effect. */
  beforeCommit: () => Promise<void> = async () => undefined;
  /** Called after a commit took effect, before its answer. */
  afterCommit: () => Promise<void> = async () => undefined;

  async query(config: { text: string }, params: readonly number[] = []) {
    return this.run(config.text, params, (count) => void (this.count = count), this.count);
  }

  async connect() {
    let own: number | undefined;
    return {
      release: () => undefined,
      query: async ({ text }: { text: string }, params: readonly number[] = []) => {
        if (text === "commit") {
          await this.beforeCommit();
          this.count = own ?? this.count;
          await this.afterCommit();
        }
        return this.run(text, params, (count) => void (own = count), own ?? this.count);
      },
    };
  }

  run(text: string, params: readonly number[], set: (count: number) => void, visible: number) {
    if (text.startsWith("select")) {
      this.queries++;
      return { command: "SELECT", rowCount: 1, rows: [[visible]] };
    }
    if (text.startsWith("update")) set(params[0] ?? 0);
    return { command: "UPDATE", rowCount: 1, rows: [] };
  }
}

function createShop(isolates: StrataIsolates, pool: RowPool) {
  const { strata } = isolates.start();
  const db = withCache(drizzle({ client: pool as unknown as Pool }), strata, {
    database: "shop",
    freshFor: "10m",
    strategy: "all",
  });
  type Reader = Pick<typeof db, "select" | "update">;
  return {
    db,
    read: async (reader: Reader = db) => {
      const [row] = await reader.select({ count: stock.count }).from(stock).where(eq(stock.id, 1));
      return row?.count;
    },
    write: (count: number, writer: Reader = db) =>
      writer.update(stock).set({ count }).where(eq(stock.id, 1)),
  };
}

function setup() {
  const isolates = createIsolates();
  const pool = new RowPool();
  return {
    isolates,
    pool,
    here: createShop(isolates, pool),
    away: createShop(isolates, pool),
    fresh: () => createShop(isolates, pool),
  };
}

describe("transactions of drizzle-orm under withCache", () => {
  it("a result that is read and stored between a statement and the commit of its transaction answers no read after the commit", async () => {
    const { isolates, pool, here, away, fresh } = setup();
    expect(await here.read()).toBe(1);
    const gate = createGate();
    pool.beforeCommit = () => gate.pass();
    const writing = away.db.transaction(async (tx) => void (await away.write(2, tx)));
    await gate.reached;
    isolates.clock.advance(WINDOW_MS);
    expect([await here.read(), await fresh().read()]).toEqual([1, 1]);
    gate.open();
    await writing;
    isolates.clock.advance(WINDOW_MS);
    expect([await here.read(), await away.read(), await fresh().read()]).toEqual([2, 2, 2]);
  });

  it("a transaction reads its own change, and no other reader gets the change from the cache before the commit", async () => {
    const { isolates, pool, here, away } = setup();
    await away.read();
    await away.db.transaction(async (tx) => {
      await away.write(2, tx);
      expect(await away.read(tx)).toBe(2);
      isolates.clock.advance(WINDOW_MS);
      expect([await here.read(), await away.read()]).toEqual([1, 1]);
    });
    expect(pool.count).toBe(2);
    expect(await away.read()).toBe(2);
  });

  it("a change that is rolled back is never read from the cache", async () => {
    const { isolates, here, away } = setup();
    const rolledBack = away.db.transaction(async (tx) => {
      await away.write(2, tx);
      expect(await away.read(tx)).toBe(2);
      throw new Error("no");
    });
    await expect(rolledBack).rejects.toThrow("no");
    isolates.clock.advance(WINDOW_MS);
    expect([await away.read(), await here.read()]).toEqual([1, 1]);
  });

  it("a transaction asks the database for every read, also if the cache has the result", async () => {
    const { pool, here } = setup();
    await here.read();
    await here.read();
    expect(pool.queries).toBe(1);
    await here.db.transaction(async (tx) => {
      await here.read(tx);
      await tx.transaction(async (inner) => void (await here.read(inner)));
    });
    expect(pool.queries).toBe(3);
  });

  it("a statement of a nested transaction invalidates after the commit of the outer one", async () => {
    const { isolates, here, away } = setup();
    await here.read();
    await away.db.transaction((tx) =>
      tx.transaction(async (inner) => void (await away.write(2, inner))),
    );
    isolates.clock.advance(WINDOW_MS);
    expect(await here.read()).toBe(2);
  });

  it("a transaction whose commit took effect, and whose answer was lost, invalidates", async () => {
    const { isolates, pool, here, away } = setup();
    await here.read();
    pool.afterCommit = () => Promise.reject(new Error("the connection is gone"));
    await expect(away.db.transaction(async (tx) => void (await away.write(2, tx)))).rejects.toThrow(
      "the connection is gone",
    );
    isolates.clock.advance(WINDOW_MS);
    expect(await here.read()).toBe(2);
  });
});
