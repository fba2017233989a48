/** The shared store in one SQLite database: the entries and the invalidation log. */
import type { Invalidation } from "../core/invalidator.ts";
import type { HighestNumbers } from "../core/log-verdict.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import type { NewId } from "../core/random.ts";
import type { Era, Seq } from "../core/seq.ts";
import type { Clock, Millis } from "../core/time.ts";
import type { StoredText } from "../core/write-requests.ts";
import type { ErasureScope } from "../core/erasure.ts";
import { createStoreEntries, ENTRY_TABLES, type ErasedRows } from "./store-entries.ts";
import { createStoreLog, LOG_TABLES, type LogPart } from "./store-log.ts";
import type { Sql } from "./store-sql.ts";

/** The entries under the keys of a read, "" for a key without one, with their numbers and the log. */
export interface StoreRead {
  readonly texts: readonly string[];
  readonly numbers: readonly HighestNumbers[];
  readonly log: LogPart;
}

/** The operations of the store. Each is one transaction. */
export interface StoreTables {
  read(keys: readonly string[], since: Seq, limit: number): StoreRead;
  /** Returns the entries alone, for a store whose log is in another object. */
  texts(keys: readonly string[]): readonly string[];
  verify(
    entries: readonly (readonly string[])[],
    since: Seq,
    limit: number,
  ): { readonly numbers: readonly HighestNumbers[]; readonly log: LogPart };
  sync(since: Seq, limit: number): LogPart;
  establish(known: { era: Era | undefined; seq: Seq }, limit: number): LogPart;
  write(entries: readonly StoredText[]): void;
  remove(keys: readonly string[]): void;
  /** Does one part of an erasure: see `StoreEntries`. */
  erase(scope: ErasureScope, after: string, limit: number): ErasedRows;
  invalidate(logKeys: readonly LogKey[], watched: readonly LogKey[]): Invalidation;
  numbers(logKeys: readonly LogKey[]): readonly Seq[];
  trim(keepMs: Millis, maxLogKeys: number): Seq;
  /** Removes at most `limit` expired entries. Returns whether there may be more. */
  removeExpired(limit: number): boolean;
  /** Whether the store has neither entries nor log keys. */
  isEmpty(): boolean;
}

export interface StoreTablesOptions {
  readonly sql: Sql;
  readonly now: Clock;
  /** Makes the names of eras. */
  readonly newId: NewId;
  /** The most bytes of all entries together. */
  readonly maxBytes: number;
}

const SCHEMA = 1;

/** Opens the tables, and makes them in a new database. @throws if a newer version has made them */
export function createStoreTables({ sql, now, newId, maxBytes }: StoreTablesOptions): StoreTables {
  sql.transaction(() => openSchema(sql));
  const log = createStoreLog(sql, now, newId);
  const entries = createStoreEntries(sql, now, maxBytes);

  return {
    read: (keys, since, limit) =>
      sql.transaction(() => {
        const texts = entries.texts(keys);
        const numbers = log.highest(texts.map(invalidationKeysIn));
        return { texts, numbers, log: log.answer(since, limit) };
      }),
    texts: (keys) => sql.transaction(() => entries.texts(keys)),
    verify: (lists, since, limit) =>
      sql.transaction(() => ({ numbers: log.highest(lists), log: log.answer(since, limit) })),
    sync: (since, limit) => sql.transaction(() => log.answer(since, limit)),
    establish: (known, limit) => sql.transaction(() => log.establish(known, limit)),
    write: (texts) => sql.transaction(() => entries.write(texts)),
    remove: (keys) => sql.transaction(() => entries.remove(keys)),
    erase: (scope, after, limit) => sql.transaction(() => entries.erase(scope, after, limit)),
    invalidate: (logKeys, watched) => sql.transaction(() => log.invalidate(logKeys, watched)),
    numbers: (logKeys) => sql.transaction(() => log.numbers(logKeys)),
    trim: (keepMs, maxLogKeys) => sql.transaction(() => log.trim(keepMs, maxLogKeys)),
    removeExpired: (limit) => sql.transaction(() => entries.removeExpired(limit)),
    isEmpty: () => sql.transaction(() => log.isEmpty() && entries.isEmpty()),
  };
}

function openSchema(sql: Sql): void {
  sql.exec(`CREATE TABLE IF NOT EXISTS meta (
    schema INTEGER NOT NULL, era TEXT, seq INTEGER NOT NULL, floor INTEGER NOT NULL)`);
  const [made] = sql.exec<{ schema: number }>("SELECT schema FROM meta");
  if (made === undefined) {
    for (const statement of [...LOG_TABLES, ...ENTRY_TABLES]) sql.exec(statement);
    sql.exec("INSERT INTO meta (schema, seq, floor) VALUES (?, 0, 0)", SCHEMA);
  } else if (made.schema !== SCHEMA)
    throw new Error(`the tables have version ${made.schema}; this class knows version ${SCHEMA}`);
}

/** Returns the invalidation keys of an encoded entry: its second line, with tabs between them. */
function invalidationKeysIn(text: string): string[] {
  const [, line = ""] = text.split("\n", 2);
  return line === "" ? [] : line.split("\t");
}
