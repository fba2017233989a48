/** Accounts of the sliding log in SQLite: a row for each instant at which tokens of an account were used. */
import type { EpochMs } from "../core/time.ts";
import type { Account, TakeRequest } from "../ratelimit/ledger.ts";
import { logBalance, logStateOf, usedIn, type UsedTokens } from "../ratelimit/log-account.ts";
import { createRowBound } from "./ledger-rows.ts";
import type { GivenBack, LedgerTable, Taken } from "./ledger-table.ts";
import { nameLists, type Sql } from "./store-sql.ts";

export const LOGS_TABLE: readonly string[] = [
  `CREATE TABLE tokens (account TEXT NOT NULL, at INTEGER NOT NULL, delete_at INTEGER NOT NULL,
    tokens INTEGER NOT NULL, PRIMARY KEY (account, at)) WITHOUT ROWID`,
  "CREATE INDEX tokens_by_end ON tokens (delete_at)",
];

export function createLedgerLogs(sql: Sql, maxRows: number): LedgerTable {
  const bound = createRowBound(sql, "tokens", "account, at", maxRows);

  const logOf = (account: Account, now: EpochMs): readonly UsedTokens[] =>
    sql.exec<{ at: number; tokens: number }>(
      "SELECT at, tokens FROM tokens WHERE account = ? AND at > ? ORDER BY at",
      account.key,
      now - longestOf(account),
    );

  /** Adds tokens that were used at one instant. */
  function add(account: Account, at: EpochMs, tokens: number): void {
    const [row] = sql.exec<{ tokens: number }>(
      `INSERT INTO tokens (account, at, delete_at, tokens) VALUES (?, ?, ?, ?)
       ON CONFLICT (account, at) DO UPDATE SET tokens = tokens + excluded.tokens RETURNING tokens`,
      account.key,
      at,
      at + longestOf(account),
      tokens,
    );
    if (row?.tokens === tokens) bound.changed(1);
  }

  return {
    take({ charges, cost, requests }: TakeRequest, now): Taken {
      let admitted = requests;
      for (const account of charges) {
        const { debt, debtAgeMs, windows } = account;
        const usedAt = now - debtAgeMs;
        if (debt > 0 && debtAgeMs < longestOf(account)) add(account, usedAt, debt);
        const log = logOf(account, now);
        if (cost > 0)
          for (const window of windows) {
            const fitting = Math.floor((window.limit - usedIn(log, window, now)) / cost);
            admitted = Math.min(admitted, Math.max(0, fitting));
          }
      }
      const tokens = admitted * cost;
      const balances = charges.map((account) => {
        if (tokens > 0) add(account, now, tokens);
        const log = logOf(account, now);
        return account.windows.map((window) =>
          logBalance(logStateOf(log, window, now, cost), window, now, cost),
        );
      });
      return { admitted, now, balances };
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
        bound.changed(-emptied.length);
      }
    },

    forget(keys) {
      for (const list of nameLists(keys)) {
        const forgotten = sql.exec(
          "DELETE FROM tokens WHERE account IN (SELECT value FROM json_each(?)) RETURNING 1",
          list,
        );
        bound.changed(-forgotten.length);
      }
    },

    removeExpired: bound.removeExpired,
    isEmpty: bound.isEmpty,
  };
}

/** The width of the widest window: the windows are in the order of their widths. */
function longestOf({ windows }: Account): number {
  return windows.at(-1)?.widthMs ?? 0;
}
