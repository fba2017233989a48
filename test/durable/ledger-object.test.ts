/** The ledger of rate limits in the SQLite database of an object: what it stores, deletes and writes. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { LedgerRpc } from "../../src/durable/ledger-rpc.ts";
import type { OwnAlgorithm } from "../../src/ratelimit/behaviour.ts";
import { createLedgerTables, type LedgerTables } from "../../src/durable/ledger-tables.ts";
import { sqlOf } from "../../src/durable/object-sql.ts";
import type { TakeRequest } from "../../src/ratelimit/ledger.ts";
import type { Window } from "../../src/ratelimit/window.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const MINUTE_MS = 60_000;
const ALGORITHMS = ["sliding-window", "sliding-log"] as const;
const TABLES = { "sliding-window": "windows", "sliding-log": "tokens" } as const;

const takeWithin = (window: Window, ...keys: readonly string[]): TakeRequest => ({
  charges: keys.map((key) => ({ key, windows: [window], debt: 0, debtAgeMs: 0 })),
  cost: 1,
  requests: 1,
});
const takeOf = (...keys: readonly string[]): TakeRequest =>
  takeWithin({ limit: 3, widthMs: MINUTE_MS, label: "1m" }, ...keys);

const stubOf = (name: string) => env.LEDGER.get(env.LEDGER.idFromName(name));
const rpcOf = (name: string): LedgerRpc => stubOf(name) as unknown as LedgerRpc;

interface Bench {
  readonly tables: LedgerTables;
  readonly clock: { now: number };
  /** The accounts that have rows, in the order of their names. */
  readonly accounts: (algorithm: OwnAlgorithm) => string[];
}

/** Runs `act` with the tables of a fresh database that holds at most 100 rows of each kind. */
async function withTables(act: (bench: Bench) => void): Promise<void> {
  await runInDurableObject(stubOf(uniqueNamespace()), (_, { storage }) => {
    const clock = { now: 1_000_000 };
    const tables = createLedgerTables({ sql: sqlOf(storage), now: () => clock.now, maxRows: 100 });
    const accounts = (algorithm: OwnAlgorithm) =>
      storage.sql
        .exec<{ account: string }>(`SELECT account FROM ${TABLES[algorithm]} ORDER BY account`)
        .toArray()
        .map(({ account }) => account);
    act({ tables, clock, accounts });
  });
}

describe.each(ALGORITHMS)("the table of the algorithm %s", (algorithm) => {
  it(`the ledger object deletes accounts of the algorithm '${algorithm}' when none of their tokens counts any more, and keeps the others`, async () => {
    await withTables(({ tables, clock, accounts }) => {
      tables.take(algorithm, takeOf("old:1", "old:2"));
      clock.now += 1.5 * MINUTE_MS;
      tables.take(algorithm, takeOf("new"));
      expect(tables.removeExpired(10)).toBe(false);
      // The sliding window counts tokens for at most two spans, the log for one.
      expect(accounts(algorithm)).toEqual(
        algorithm === "sliding-log" ? ["new"] : ["new", "old:1", "old:2"],
      );
      clock.now += 0.5 * MINUTE_MS;
      tables.removeExpired(10);
      expect(accounts(algorithm)).toEqual(["new"]);
      clock.now += 2 * MINUTE_MS;
      expect(tables.removeExpired(10)).toBe(false);
      expect(tables.isEmpty()).toBe(true);
    });
  });

  it(`a full ledger object deletes the accounts of the algorithm '${algorithm}' that end soonest, and reports their number`, async () => {
    await withTables(({ tables, clock, accounts }) => {
      let evicted = 0;
      for (let i = 0; i < 1_100; i++) {
        evicted += tables.take(algorithm, takeOf(`api:ip:${i}`)).evicted ?? 0;
        clock.now += 1;
        expect(accounts(algorithm).length).toBeLessThanOrEqual(100);
      }
      expect(accounts(algorithm)).toEqual(
        Array.from({ length: 100 }, (_, i) => `api:ip:${1_000 + i}`).toSorted(),
      );
      expect(evicted).toBe(1_000);
    });
  });

  it(`a client that makes many accounts under one rule of the algorithm '${algorithm}' resets no account of another rule, although the other one ends sooner`, async () => {
    await withTables(({ tables, clock, accounts }) => {
      const strict = { limit: 3, widthMs: 1_000, label: "1s" };
      for (let i = 0; i < 3; i++) tables.take(algorithm, takeWithin(strict, "sign-in:ip:a"));
      for (let i = 0; i < 1_000; i++) {
        tables.take(algorithm, takeOf(`api:ip:${i}`));
        clock.now += i % 2;
      }
      expect(accounts(algorithm)).toContain("sign-in:ip:a");
      expect(tables.take(algorithm, takeWithin(strict, "sign-in:ip:a")).admitted).toBe(0);
    });
  });

  it(`a full ledger object keeps the accounts of the algorithm '${algorithm}' that have used all of their limit, before those with less use`, async () => {
    await withTables(({ tables, clock }) => {
      for (let i = 0; i < 3; i++) tables.take(algorithm, takeOf("api:ip:spent"));
      for (let i = 0; i < 1_000; i++) {
        clock.now += 1;
        tables.take(algorithm, takeOf(`api:ip:${i}`));
      }
      expect(tables.take(algorithm, takeOf("api:ip:spent")).admitted).toBe(0);
    });
  });

  it(`a full ledger object deletes accounts of the algorithm '${algorithm}' whose tokens count no longer before all others, and does not report them`, async () => {
    await withTables(({ tables, clock, accounts }) => {
      tables.take(algorithm, takeOf("old:ip:a"));
      clock.now += 2 * MINUTE_MS;
      for (let i = 0; i < 100; i++)
        expect(tables.take(algorithm, takeOf(`new:ip:${i}`)).evicted).toBeUndefined();
      expect(accounts(algorithm)).not.toContain("old:ip:a");
      expect(accounts(algorithm)).toHaveLength(100);
    });
  });

  it(`the ledger object deletes at most the given number of accounts of the algorithm '${algorithm}' at once, and says that there are more`, async () => {
    await withTables(({ tables, clock, accounts }) => {
      for (let i = 0; i < 10; i++) tables.take(algorithm, takeOf(`old:${i}`));
      clock.now += 5 * MINUTE_MS;
      expect(tables.removeExpired(4)).toBe(true);
      expect(accounts(algorithm)).toHaveLength(6);
    });
  });

  it(`forget() removes all tokens of an account of the algorithm '${algorithm}' and of no other account`, async () => {
    await withTables(({ tables, accounts }) => {
      for (let i = 0; i < 3; i++) tables.take(algorithm, takeOf("reset", "kept"));
      tables.forget(algorithm, ["reset", "unknown"]);
      expect(accounts(algorithm)).toEqual(["kept"]);
      expect(tables.take(algorithm, takeOf("reset")).admitted).toBe(1);
      expect(tables.take(algorithm, takeOf("kept")).admitted).toBe(0);
    });
  });

  it(`accounts of the algorithm '${algorithm}' outlive a restart of the ledger object`, async () => {
    const name = uniqueNamespace();
    for (let i = 0; i < 3; i++) await rpcOf(name).take(algorithm, takeOf("a"));
    await evictDurableObject(stubOf(name));
    expect((await rpcOf(name).take(algorithm, takeOf("a"))).admitted).toBe(0);
  });
});

describe("the ledger object", () => {
  it("a charge of a known account within one span writes one row of the ledger object, or two when half or all of the limit is used, and a refused request writes none", async () => {
    await runInDurableObject(stubOf(uniqueNamespace()), (_, { storage }) => {
      let written = 0;
      const plain = sqlOf(storage);
      const tables = createLedgerTables({
        sql: {
          ...plain,
          exec: (query, ...bindings) => {
            const cursor = storage.sql.exec<Record<string, SqlStorageValue>>(query, ...bindings);
            const rows = cursor.toArray();
            written += cursor.rowsWritten;
            return rows as never;
          },
        },
        now: () => 1_000_000,
        maxRows: 100,
      });
      const rows: number[] = [];
      for (let i = 0; i < 9; i++) {
        written = 0;
        tables.take(
          "sliding-window",
          takeWithin({ limit: 8, widthMs: MINUTE_MS, label: "1m" }, "api:ip:a"),
        );
        rows.push(written);
      }
      // The first charge, the one that uses half of the limit and the one that uses the rest write the place in the index too.
      expect(rows).toEqual([2, 1, 1, 2, 1, 1, 1, 2, 0]);
    });
  });

  it("the first charge sets the alarm of the ledger object, and the alarm that finds no account sets none again", async () => {
    const stub = stubOf(uniqueNamespace());
    const alarmOf = () => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
    expect(await alarmOf()).toBeNull();
    await (stub as unknown as LedgerRpc).take("sliding-window", takeOf("a"));
    expect(await alarmOf()).not.toBeNull();
    await runDurableObjectAlarm(stub);
    expect(await alarmOf()).not.toBeNull();
    await (stub as unknown as LedgerRpc).forget("sliding-window", ["a"]);
    await runDurableObjectAlarm(stub);
    expect(await alarmOf()).toBeNull();
    await (stub as unknown as LedgerRpc).take("sliding-window", takeOf("a"));
    expect(await alarmOf()).not.toBeNull();
  });

  it("a ledger object whose tables a newer version has made refuses to open them", async () => {
    await runInDurableObject(stubOf(uniqueNamespace()), (_, { storage }) => {
      storage.sql.exec("UPDATE ledger SET schema = 3");
      const open = () =>
        createLedgerTables({ sql: sqlOf(storage), now: () => 1_000_000, maxRows: 100 });
      expect(open).toThrow("the tables have version 3; this class knows version 2");
      // The object itself opens them again when the file ends.
      storage.sql.exec("UPDATE ledger SET schema = 2");
    });
  });

  it("a ledger object with tables of version 1 makes them anew", async () => {
    await runInDurableObject(stubOf(uniqueNamespace()), (_, { storage }) => {
      for (const statement of [
        "DROP TABLE windows",
        "CREATE TABLE windows (account TEXT PRIMARY KEY, delete_at INTEGER NOT NULL, buckets TEXT NOT NULL)",
        "UPDATE ledger SET schema = 1",
      ])
        storage.sql.exec(statement);
      const tables = createLedgerTables({
        sql: sqlOf(storage),
        now: () => 1_000_000,
        maxRows: 100,
      });
      expect(tables.take("sliding-window", takeOf("a")).admitted).toBe(1);
    });
  });
});
