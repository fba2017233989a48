/** Accounts of the sliding window in SQLite: one row for an account, with the buckets of its windows. */
import type { EpochMs, Millis } from "../core/time.ts";
import { charge, emptyAt, emptyBucket, giveBack, room, type Bucket } from "../ratelimit/bucket.ts";
import type { Account, TakeRequest } from "../ratelimit/ledger.ts";
import { createRowBound, ruleOf, useOf, type Use } from "./ledger-rows.ts";
import type { GivenBack, LedgerTable, Taken } from "./ledger-table.ts";
import { nameLists, type Sql } from "./store-sql.ts";

export const WINDOWS_TABLE: readonly string[] = [
  `CREATE TABLE windows (account TEXT PRIMARY KEY, rule TEXT NOT NULL, use INTEGER NOT NULL,
    delete_at INTEGER NOT NULL, buckets TEXT NOT NULL) WITHOUT ROWID`,
  "CREATE INDEX windows_by_end ON windows (rule, use, delete_at)",
];

interface Stored {
  readonly deleteAt: EpochMs;
  readonly use: Use;
  /** The buckets by the width of their window. */
  readonly buckets: ReadonlyMap<Millis, Bucket>;
}

type Row = { account: string; use: Use; delete_at: number; buckets: string };
type BucketNumbers = readonly [width: Millis, start: EpochMs, current: number, previous: number];

export function createLedgerWindows(sql: Sql, maxRows: number): LedgerTable {
  const bound = createRowBound(sql, "windows", "account", maxRows);

  function storedOf(accounts: readonly Account[]): Map<string, Stored> {
    const stored = new Map<string, Stored>();
    for (const list of nameLists(accounts.map(({ key }) => key)))
      for (const { account, use, ...row } of sql.exec<Row>(
        `SELECT account, use, delete_at, buckets FROM windows
         WHERE account IN (SELECT value FROM json_each(?))`,
        list,
      ))
        stored.set(account, { deleteAt: row.delete_at, use, buckets: bucketsIn(row.buckets) });
    return stored;
  }

  /** Returns whether the row is new. */
  function write(
    { key, windows }: Account,
    known: Stored | undefined,
    buckets: readonly Bucket[],
    now: EpochMs,
  ): boolean {
    const deleteAt = windows.reduce(
      (latest, window, w) => Math.max(latest, emptyAt(buckets[w]!, window)),
      0,
    );
    // A debt from before all windows leaves nothing to count.
    if (deleteAt === 0 && known === undefined) return false;
    const numbers = windows.map(({ widthMs }, w): BucketNumbers => {
      const { startMs, current, previous } = buckets[w]!;
      return [widthMs, startMs, current, previous];
    });
    const text = JSON.stringify(numbers);
    const rooms = windows.map((window, w) => room(buckets[w]!, window, now));
    const use = useOf(windows, rooms);
    // Within a span, most charges change neither `use` nor `delete_at`, so that the index is not written.
    if (known?.deleteAt === deleteAt && known.use === use)
      sql.exec("UPDATE windows SET buckets = ? WHERE account = ?", text, key);
    else
      sql.exec(
        `INSERT INTO windows (account, rule, use, delete_at, buckets) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (account) DO UPDATE SET
           use = excluded.use, delete_at = excluded.delete_at, buckets = excluded.buckets`,
        key,
        ruleOf(key),
        use,
        deleteAt,
        text,
      );
    return known === undefined;
  }

  return {
    take({ charges, cost, requests }: TakeRequest, now): Taken {
      const stored = storedOf(charges);
      const indebted = charges.map((account) =>
        bucketsOf(account, stored.get(account.key), now).map((bucket, w) =>
          charge(bucket, account.windows[w]!, now, account.debt, account.debtAgeMs),
        ),
      );
      let admitted = requests;
      if (cost > 0)
        for (const [i, { windows }] of charges.entries())
          for (const [w, window] of windows.entries()) {
            const fitting = Math.floor(room(indebted[i]![w]!, window, now) / cost);
            admitted = Math.min(admitted, Math.max(0, fitting));
          }
      const tokens = admitted * cost;
      const added: string[] = [];
      const buckets = charges.map((account, i) => {
        const after = indebted[i]!.map((bucket, w) =>
          charge(bucket, account.windows[w]!, now, tokens),
        );
        const isCharged = tokens > 0 || account.debt > 0;
        if (isCharged && write(account, stored.get(account.key), after, now))
          added.push(ruleOf(account.key));
        return after;
      });
      const evicted = added.length > 0 ? bound.added(added, now) : 0;
      return { admitted, now, buckets, ...(evicted > 0 && { evicted }) };
    },

    giveBack({ charges, tokens, chargedAt }: GivenBack, now) {
      const stored = storedOf(charges);
      for (const account of charges) {
        const known = stored.get(account.key);
        if (known === undefined) continue;
        const after = bucketsOf(account, known, now).map((bucket, w) =>
          giveBack(bucket, account.windows[w]!, now, tokens, chargedAt),
        );
        write(account, known, after, now);
      }
    },

    forget: bound.forget,
    removeExpired: bound.removeExpired,
    isEmpty: bound.isEmpty,
  };
}

function bucketsOf(
  { windows }: Account,
  stored: Stored | undefined,
  now: EpochMs,
): readonly Bucket[] {
  return windows.map(({ widthMs }) => stored?.buckets.get(widthMs) ?? emptyBucket(now));
}

function bucketsIn(text: string): ReadonlyMap<Millis, Bucket> {
  const numbers = JSON.parse(text) as readonly BucketNumbers[];
  return new Map(
    numbers.map(([width, startMs, current, previous]) => [width, { startMs, current, previous }]),
  );
}
