/** The entries of the shared store in SQLite, with a bound on their bytes. */
import { isErased, type ErasureScope } from "../core/erasure.ts";
import { datedOf } from "../core/codec.ts";
import type { StoredText } from "../core/write-requests.ts";
import type { Clock } from "../core/time.ts";
import { nameLists, type Sql } from "./store-sql.ts";

export interface StoreEntries {
  /**
   * Returns the text under each key, "" for a key without an entry. Texts beyond the first 8 Mi
   * characters are left out: an answer of an object has at most 32 MiB.
   */
  texts(keys: readonly string[]): string[];
  /** Stores entries, and removes others if they have too many bytes together. */
  write(entries: readonly StoredText[]): void;
  remove(keys: readonly string[]): void;
  /**
   * Looks at `limit` entries in the order of their keys, after the key `after`, and removes those of the scope. Returns
   * their keys, and the last key if there may be more.
   */
  erase(scope: ErasureScope, after: string, limit: number): ErasedRows;
  /** Removes at most `limit` expired entries. Returns whether there may be more. */
  removeExpired(limit: number): boolean;
  isEmpty(): boolean;
}

export interface ErasedRows {
  readonly keys: readonly string[];
  readonly examined: number;
  readonly last?: string;
}

/** The statements that make the table of the entries. */
export const ENTRY_TABLES: readonly string[] = [
  // The text comes last: a row of a long text continues on other pages, which a sum need not read.
  `CREATE TABLE entries (key TEXT PRIMARY KEY, delete_at INTEGER NOT NULL, bytes INTEGER NOT NULL,
    text TEXT NOT NULL) WITHOUT ROWID`,
  // It has the bytes, so that their sum is found without reading the texts.
  "CREATE INDEX entries_by_end ON entries (delete_at, bytes)",
];

const MAX_ANSWER_CHARS = 8 * 2 ** 20;
/** Most invalidation keys and headers are shorter. */
const MAX_HEAD_CHARS = 8_192;
/** The number of entries that are removed at once when there are too many bytes. */
const REMOVED_AT_ONCE = 64;

export function createStoreEntries(sql: Sql, now: Clock, maxBytes: number): StoreEntries {
  /** The bytes of all entries. Undefined until they are counted, and after a write that threw. */
  let known: number | undefined;

  const sumOf = (query: string, ...bindings: readonly string[]): number =>
    sql.exec<{ bytes: number | null }>(query, ...bindings)[0]?.bytes ?? 0;

  const bytesOf = (keys: readonly string[]): number =>
    nameLists(keys).reduce(
      (bytes, list) =>
        bytes +
        sumOf(
          "SELECT sum(bytes) AS bytes FROM entries WHERE key IN (SELECT value FROM json_each(?))",
          list,
        ),
      0,
    );

  /** Removes the entries that a query selects. Returns their number. */
  function remove(query: string, ...bindings: readonly (string | number)[]): number {
    const before = known;
    known = undefined;
    const removed = sql.exec<{ bytes: number }>(
      `DELETE FROM entries WHERE key IN (${query}) RETURNING bytes`,
      ...bindings,
    );
    if (before !== undefined) known = removed.reduce((rest, { bytes }) => rest - bytes, before);
    return removed.length;
  }

  return {
    texts(keys) {
      let chars = 0;
      return keys.map((key) => {
        if (chars >= MAX_ANSWER_CHARS) return "";
        const [row] = sql.exec<{ text: string }>(
          "SELECT text FROM entries WHERE key = ? AND delete_at > ?",
          key,
          now(),
        );
        chars += row?.text.length ?? 0;
        return row?.text ?? "";
      });
    },

    write(entries) {
      const keys = [...new Set(entries.map(({ key }) => key))];
      const others = (known ?? sumOf("SELECT sum(bytes) AS bytes FROM entries")) - bytesOf(keys);
      known = undefined;
      for (const { key, text, ttlMs } of entries)
        sql.exec(
          `INSERT INTO entries (key, delete_at, bytes, text) VALUES (?1, ?2, octet_length(?3), ?3)
           ON CONFLICT (key) DO UPDATE SET
             delete_at = excluded.delete_at, bytes = excluded.bytes, text = excluded.text`,
          key,
          Math.ceil(now() + ttlMs),
          text,
        );
      known = others + bytesOf(keys);
      // Expired entries end first, so they are removed first.
      while (known > maxBytes)
        if (remove("SELECT key FROM entries ORDER BY delete_at LIMIT ?", REMOVED_AT_ONCE) === 0)
          return;
    },

    remove(keys) {
      for (const list of nameLists(keys)) remove("SELECT value FROM json_each(?)", list);
    },

    erase({ names, ...upTo }, after, limit) {
      const set = new Set<string>(names);
      const rows = sql.exec<{ key: string; head: string }>(
        "SELECT key, substr(text, 1, ?) AS head FROM entries WHERE key > ? ORDER BY key LIMIT ?",
        MAX_HEAD_CHARS,
        after,
        limit,
      );
      const keys = rows.flatMap(({ key, head }) => {
        const [text = ""] = datedOf(head) ? [head] : this.texts([key]);
        const dated = datedOf(text);
        return dated === undefined || isErased(dated, set, upTo) ? [key] : [];
      });
      this.remove(keys);
      const last = rows.length === limit ? rows.at(-1)?.key : undefined;
      return { keys, examined: rows.length, ...(last !== undefined && { last }) };
    },

    removeExpired: (limit) =>
      remove(
        "SELECT key FROM entries WHERE delete_at <= ? ORDER BY delete_at LIMIT ?",
        now(),
        limit,
      ) === limit,

    isEmpty: () => sql.exec("SELECT 1 FROM entries LIMIT 1").length === 0,
  };
}
