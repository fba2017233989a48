/** Accounts of the sliding log in SQLite: a row for each instant at which tokens of an account were used. */
import type { EpochMs } from "../core/time.ts";
import type { Account, TakeRequest } from "../ratelimit/ledger.ts";
import { logBalance, logStateOf, usedIn } from "../ratelimit/log-account.ts";
import { createRowBound, ruleOf, useOf, type Use } from "./ledger-rows.ts";
import type { GivenBack, LedgerTable, Taken } from "./ledger-table.ts";
import type { Sql } from "./store-sql.ts";

export const LOGS_TABLE: readonly string[] = [
  `CREATE TABLE tokens (account TEXT NOT NULL, at INTEGER NOT NULL, rule TEXT NOT NULL, use INTEGER NOT NULL,
    delete_at INTEGER NOT NULL, tokens INTEGER NOT NULL, PRIMARY KEY (account, at)) WITHOUT ROWID`,
  "CREATE INDEX tokens_by_end ON tokens (rule, use, delete_at)",
];

type LogRow = { at: EpochMs; tokens: number; use: Use };

export function createLedgerLogs(sql: Sql, maxRows: number): LedgerTable {
  const bound = createRowBound(sql, "tokens", "account, at", maxRows);

  const logOf = (account: Account, now: EpochMs): readonly LogRow[] =>
    sql.exec<LogRow>(
      "SELECT at, tokens, use FROM tokens WHERE account = ? AND at > ? ORDER BY at",
      account.key,
      now - longestOf(account),
    );

  /** Adds tokens that were used at one instant. Returns whether the row is new. */
  function add(account: Account, at: EpochMs, tokens: number): boolean {
    const [row] = sql.exec<{ tokens: number }>(
      `INSERT INTO tokens (account, at, rule, use, delete_at, tokens) VALUES (?, ?, ?, 0, ?, ?)
       ON CONFLICT (account, at) DO UPDATE SET tokens = tokens + excluded.tokens RETURNING tokens`,
      account.key,
      at,
      ruleOf(account.key),
      at + longestOf(account),
      tokens,
    );
    return row?.tokens === tokens;
  }

  /** Gives all rows of an account the same use, so that a full table does not delete the oldest tokens of a busy account. */
  function noteUse({ key, windows }: Account, log: readonly LogRow[], now: EpochMs): void {
    const rooms = windows.map((window) => window.limit - usedIn(log, window, now));
    const use = useOf(windows, rooms);
    if (log.some((row) => row.use !== use))
      sql.exec("UPDATE tokens SET use = ? WHERE account = ? AND use <> ?", use, key, use);
  }

  return {
    take({ charges, cost, requests }: TakeRequest, now): Taken {
      let admitted = requests;
      const added: string[] = [];
      const addTo = (account: Account, at: EpochMs, tokens: number): void => {
        if (add(account, at, tokens)) added.push(ruleOf(account.key));
      };
      for (const account of charges) {
        const { debt, debtAgeMs, windows } = account;
        if (debt > 0 && debtAgeMs < longestOf(account)) addTo(account, now - debtAgeMs, debt);
        const log = logOf(account, now);
        if (cost > 0)
          for (const window of windows) {
            const fitting = Math.floor((window.limit - usedIn(log, window, now)) / cost);
            admitted = Math.min(admitted, Math.max(0, fitting));
          }
      }
      const tokens = admitted * cost;
      const balances = charges.map((account) => {
        if (tokens > 0) addTo(account, now, tokens);
        const log = logOf(account, now);
        if (tokens > 0 || account.debt > 0) noteUse(account, log, now);
        return account.windows.map((window) =>
          logBalance(logStateOf(log, window, now, cost), window, now, cost),
        );
      });
      const evicted = added.length > 0 ? bound.added(added, now) : 0;
      return { admitted, now, balances, ...(evicted > 0 && { evicted }) };
    },

    giveBack({ charges, tokens, chargedAt }: GivenBack) {
      for (const { key } of charges) {
        sql.exec(
          "UPDATE tokens SET tokens = tokens - ? WHERE account = ? AND at = ?",
          tokens,
          key,
          chargedAt,
        );
        const emptied = sql.exec(
          "DELETE FROM tokens WHERE account = ? AND at = ? AND tokens <= 0 RETURNING 1",
          key,
          chargedAt,
        );
        bound.removed(ruleOf(key), emptied.length);
      }
    },

    forget: bound.forget,
    removeExpired: bound.removeExpired,
    isEmpty: bound.isEmpty,
  };
}

/** The width of the widest window: the windows are in the order of their widths. */
function longestOf({ windows }: Account): number {
  return windows.at(-1)?.widthMs ?? 0;
}
