/**
 * The ledger of rate limits in one SQLite database: the arithmetic of the scripts in Redis, in two tables.
 * docs/storage-schema.md lists them.
 */
import type { Clock } from "../core/time.ts";
import type { TakeRequest } from "../ratelimit/ledger.ts";
import type { OwnAlgorithm } from "../ratelimit/behaviour.ts";
import { createLedgerLogs, LOGS_TABLE } from "./ledger-logs.ts";
import type { GivenBack, LedgerTable, Taken } from "./ledger-table.ts";
import { createLedgerWindows, WINDOWS_TABLE } from "./ledger-windows.ts";
import type { Sql } from "./store-sql.ts";

/** The operations of the ledger. Each is one transaction. */
export interface LedgerTables {
  take(algorithm: OwnAlgorithm, take: TakeRequest): Taken;
  /** Returns the state of the accounts after it. */
  giveBack(algorithm: OwnAlgorithm, given: GivenBack): Taken;
  forget(algorithm: OwnAlgorithm, keys: readonly string[]): void;
  removeExpired(limit: number): boolean;
  isEmpty(): boolean;
}

export interface LedgerTablesOptions {
  readonly sql: Sql;
  readonly now: Clock;
  /** The most rows of each table. */
  readonly maxRows: number;
}

/** Version 1 had no column `rule`. Its accounts, which live for two spans at most, are not moved. */
const SCHEMA = 2;

/** Opens the tables, and makes them in a new database. @throws if a newer version has made them */
export function createLedgerTables({ sql, now, maxRows }: LedgerTablesOptions): LedgerTables {
  sql.transaction(() => openSchema(sql));
  const tables: Readonly<Record<OwnAlgorithm, LedgerTable>> = {
    "sliding-window": createLedgerWindows(sql, maxRows),
    "sliding-log": createLedgerLogs(sql, maxRows),
  };
  const all = Object.values(tables);

  return {
    take: (algorithm, take) => sql.transaction(() => tables[algorithm].take(take, now())),
    giveBack: (algorithm, given) =>
      sql.transaction(() => {
        const at = now();
        tables[algorithm].giveBack(given, at);
        const charges = given.charges.map((one) => ({ ...one, debt: 0 }));
        return tables[algorithm].take({ charges, cost: given.cost, requests: 0 }, at);
      }),
    forget: (algorithm, keys) => sql.transaction(() => tables[algorithm].forget(keys)),
    removeExpired: (limit) =>
      sql.transaction(() =>
        all.map((table) => table.removeExpired(now(), limit)).some((more) => more),
      ),
    isEmpty: () => all.every((table) => table.isEmpty()),
  };
}

function openSchema(sql: Sql): void {
  sql.exec("CREATE TABLE IF NOT EXISTS ledger (schema INTEGER NOT NULL)");
  const [made] = sql.exec<{ schema: number }>("SELECT schema FROM ledger");
  if (made?.schema === SCHEMA) return;
  if (made !== undefined && made.schema > SCHEMA)
    throw new Error(`the tables have version ${made.schema}; this class knows version ${SCHEMA}`);
  for (const old of ["DROP TABLE IF EXISTS windows", "DROP TABLE IF EXISTS tokens"]) sql.exec(old);
  for (const statement of [...WINDOWS_TABLE, ...LOGS_TABLE]) sql.exec(statement);
  sql.exec("DELETE FROM ledger");
  sql.exec("INSERT INTO ledger (schema) VALUES (?)", SCHEMA);
}
