/**
 * The bound on the rows of one table of the ledger. Each row has the instant at which it may be deleted, the rule
 * that it belongs to, and how much of the limit its account has used.
 */
import type { EpochMs } from "../core/time.ts";
import { nameLists, type Sql } from "./store-sql.ts";

/** How much of its narrowest limit an account has used: 0 for less than half, 1 for at least half, 2 for all. */
export type Use = 0 | 1 | 2;

export interface RowBound {
  /**
   * Notes a row of each of these rules that was inserted. If the table has too many rows, it deletes some of the
   * rule with the most rows: those whose account has used least, and among them those that end soonest. So clients
   * that make many accounts under one rule reset no account of another rule. Returns the number of rows that
   * were deleted before their time.
   */
  added(rules: readonly string[], now: EpochMs): number;
  /** Notes rows of a rule that were deleted. */
  removed(rule: string, rows: number): void;
  /** Deletes all rows of the accounts. */
  forget(accounts: readonly string[]): void;
  /** Deletes at most `limit` rows whose time has come. Returns whether there may be more. */
  removeExpired(now: EpochMs, limit: number): boolean;
  isEmpty(): boolean;
}

/** The share of the rows that is deleted at once when there are too many. */
const REMOVED_SHARE = 0.001;
const END_OF_TIME: EpochMs = Number.MAX_SAFE_INTEGER;

/** @param table a table with the columns `account`, `rule`, `use` and `delete_at`; `key` are those of its primary key */
export function createRowBound(sql: Sql, table: string, key: string, maxRows: number): RowBound {
  const removedAtOnce = Math.max(1, Math.round(maxRows * REMOVED_SHARE));
  /** The number of rows of each rule. Undefined until this life of the object has counted them. */
  let counts: Map<string, number> | undefined;
  let total = 0;

  function countsNow(): Map<string, number> {
    if (counts !== undefined) return counts;
    const rows = sql.exec<{ rule: string; rows: number }>(
      `SELECT rule, count(*) AS rows FROM ${table} GROUP BY rule`,
    );
    total = rows.reduce((sum, one) => sum + one.rows, 0);
    return (counts = new Map(rows.map((one) => [one.rule, one.rows])));
  }

  function change(rule: string, by: number): void {
    if (counts === undefined) return;
    total += by;
    const rows = (counts.get(rule) ?? 0) + by;
    if (rows > 0) counts.set(rule, rows);
    else counts.delete(rule);
  }

  function remove(rule: string, use: Use, until: EpochMs, limit: number): number {
    const removed = sql.exec(
      `DELETE FROM ${table} WHERE (${key}) IN
         (SELECT ${key} FROM ${table} WHERE rule = ? AND use = ? AND delete_at <= ?
          ORDER BY delete_at LIMIT ?) RETURNING 1`,
      rule,
      use,
      until,
      limit,
    ).length;
    change(rule, -removed);
    return removed;
  }

  /** Deletes at most `limit` rows of a rule that end until then, those of the least use first. */
  function removeOf(rule: string, until: EpochMs, limit: number): number {
    let removed = 0;
    for (const use of [0, 1, 2] as const)
      if (removed < limit) removed += remove(rule, use, until, limit - removed);
    return removed;
  }

  function removeExpired(now: EpochMs, limit: number): number {
    let removed = 0;
    for (const rule of [...countsNow().keys()])
      if (removed < limit) removed += removeOf(rule, now, limit - removed);
    return removed;
  }

  function largestRule(): string {
    let largest = "";
    for (const [rule, rows] of countsNow()) if (rows > (counts?.get(largest) ?? 0)) largest = rule;
    return largest;
  }

  return {
    added(rules, now) {
      // The first count of an object has the new rows already.
      if (counts === undefined) countsNow();
      else for (const rule of rules) change(rule, 1);
      if (total > maxRows) removeExpired(now, removedAtOnce);
      let evicted = 0;
      while (total > maxRows) {
        const removed = removeOf(largestRule(), END_OF_TIME, removedAtOnce);
        if (removed === 0) {
          // The counts are wrong: a transaction was rolled back. The next call counts again.
          counts = undefined;
          break;
        }
        evicted += removed;
      }
      return evicted;
    },
    removed: (rule, rows) => change(rule, -rows),
    forget(accounts) {
      for (const list of nameLists(accounts))
        for (const { rule } of sql.exec<{ rule: string }>(
          `DELETE FROM ${table} WHERE account IN (SELECT value FROM json_each(?)) RETURNING rule`,
          list,
        ))
          change(rule, -1);
    },
    removeExpired: (now, limit) => removeExpired(now, limit) === limit,
    isEmpty: () => sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).length === 0,
  };
}

/** The name of a limiter and the kind of an identity, before the identity itself. */
const RULE = /^.*?:(?:ip|user|endpoint|all)(?=:|$)/;

/** Returns the rule of an account: the part of its key that no client chooses. */
export function ruleOf(account: string): string {
  return RULE.exec(account)?.[0] ?? "";
}

/** @param rooms the tokens left in each window */
export function useOf(
  windows: readonly { readonly limit: number }[],
  rooms: readonly number[],
): Use {
  const left = Math.min(...windows.map(({ limit }, w) => rooms[w]! / limit));
  if (left <= 0) return 2;
  return left <= 0.5 ? 1 : 0;
}
