/** The bound on the rows of one table of the ledger. Each row has the instant at which it may be deleted. */
import type { EpochMs } from "../core/time.ts";
import type { Sql, SqlValue } from "./store-sql.ts";

export interface RowBound {
  /** Notes rows that were inserted or, if negative, deleted. Deletes others if the table has too many. */
  changed(rows: number): void;
  /** Deletes at most `limit` rows whose time has come. Returns whether there may be more. */
  removeExpired(now: EpochMs, limit: number): boolean;
  isEmpty(): boolean;
}

/** The number of rows that are deleted at once when there are too many. */
const REMOVED_AT_ONCE = 1_000;

/** @param table a table with the column `delete_at`; `key` are the columns of its primary key */
export function createRowBound(sql: Sql, table: string, key: string, maxRows: number): RowBound {
  /** The number of rows, as far as this life of the object knows. Undefined until they are counted. */
  let known: number | undefined;

  function remove(condition: string, ...bindings: readonly SqlValue[]): number {
    const removed = sql.exec(
      `DELETE FROM ${table} WHERE (${key}) IN
         (SELECT ${key} FROM ${table} ${condition} ORDER BY delete_at LIMIT ?) RETURNING 1`,
      ...bindings,
    ).length;
    if (known !== undefined) known -= removed;
    return removed;
  }

  return {
    changed(rows) {
      // The first count of an object has the changed rows already.
      known =
        known === undefined
          ? (sql.exec<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`)[0]?.rows ?? 0)
          : known + rows;
      // The rows that would be deleted first anyway.
      while (known > maxRows) if (remove("", REMOVED_AT_ONCE) === 0) return;
    },
    removeExpired: (now, limit) => remove("WHERE delete_at <= ?", now, limit) === limit,
    isEmpty: () => sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).length === 0,
  };
}
