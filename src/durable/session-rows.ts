/** The sessions of one object in SQLite: a row for each session, by the hash of its id. */
import type { SessionHash, SessionRecord } from "../core/sessions.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { nameLists, type Sql } from "./store-sql.ts";

export const SESSIONS_TABLE: readonly string[] = [
  `CREATE TABLE sessions (hash TEXT PRIMARY KEY, user TEXT NOT NULL, created_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL, used_at INTEGER NOT NULL, delete_at INTEGER NOT NULL) WITHOUT ROWID`,
  "CREATE INDEX sessions_by_end ON sessions (delete_at)",
  "CREATE TABLE ended (hash TEXT PRIMARY KEY, delete_at INTEGER NOT NULL) WITHOUT ROWID",
  "CREATE INDEX ended_by_end ON ended (delete_at)",
];

/** A session in the answer of an object. */
export interface StoredSession extends SessionRecord {
  readonly usedAt: EpochMs;
}

/** Sessions to end. */
export interface Removal {
  readonly hashes: readonly SessionHash[];
  /** Only sessions of this user end. Undefined: any. */
  readonly user?: string | undefined;
  /** Those of `hashes` that may come later than this call. They are not stored any more. */
  readonly pending: readonly SessionHash[];
  readonly idleMs: Millis;
}

/** A session to store. */
export interface Storing {
  readonly record: SessionRecord;
  /** The object does not store the session after this instant. */
  readonly storeBy: EpochMs;
  readonly idleMs: Millis;
}

/** Each method must run inside a transaction. */
export interface SessionRows {
  /** `ended`: the session was ended before it came, or it comes too late. `full`: the object has too many. */
  store(storing: Storing, now: EpochMs): "stored" | "ended" | "full";
  /** Returns a session, and begins its idle time anew. */
  read(hash: SessionHash, idleMs: Millis, now: EpochMs): SessionRecord | undefined;
  /** Returns those of the sessions that exist. It does not begin their idle time anew. */
  peek(hashes: readonly SessionHash[], idleMs: Millis, now: EpochMs): readonly StoredSession[];
  /** Ends sessions. Returns those that had not ended before. */
  remove(removal: Removal, now: EpochMs): readonly SessionRecord[];
  removeExpired(now: EpochMs, limit: number): boolean;
  isEmpty(): boolean;
}

/**
 * A place of a session is pending for this long: its session is stored by then, or never.
 * The session's object compares the instant with its own clock, so that the clocks of two objects may differ by minutes.
 */
export const PENDING_MS: Millis = 60_000;
/** An object remembers this long that a session must not be stored any more. */
const KEEP_ENDED_MS: Millis = 10 * 60_000;
/** The use of a session is noted this often at most, so that the requests of one page write one row. */
const USE_EVERY_MS: Millis = 1_000;
/** Short idle times are kept to this share. */
const USE_SHARE = 0.1;
/** `delete_at` is a multiple of this, so that most reads do not write the index. */
const DELETE_STEP_MS: Millis = 10 * 60_000;

type Row = {
  hash: string;
  user: string;
  created_at: number;
  ends_at: number;
  used_at: number;
  delete_at: number;
};

export function createSessionRows(sql: Sql, maxRows: number): SessionRows {
  /** The number of sessions. Undefined until this life of the object has counted them. */
  let count: number | undefined;

  function rowsOf(hashes: readonly SessionHash[], idleMs: Millis, now: EpochMs): Row[] {
    return nameLists(hashes).flatMap((list) =>
      sql
        .exec<Row>("SELECT * FROM sessions WHERE hash IN (SELECT value FROM json_each(?))", list)
        .filter((row) => isAlive(row, idleMs, now)),
    );
  }

  function countNow(): number {
    return (count ??=
      sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM sessions")[0]?.rows ?? 0);
  }

  function removeUntil(table: "sessions" | "ended", now: EpochMs, limit: number): number {
    return sql.exec(
      `DELETE FROM ${table} WHERE hash IN
         (SELECT hash FROM ${table} WHERE delete_at <= ? ORDER BY delete_at LIMIT ?) RETURNING 1`,
      now,
      limit,
    ).length;
  }

  return {
    store({ record, storeBy, idleMs }, now) {
      const { hash, user, createdAt, endsAt } = record;
      if (now > storeBy) return "ended";
      if (sql.exec("SELECT 1 FROM ended WHERE hash = ?", hash).length > 0) return "ended";
      if (countNow() >= maxRows) return "full";
      const deleteAt = deleteAtOf(now, endsAt, idleMs);
      const stored = sql.exec(
        `INSERT INTO sessions (hash, user, created_at, ends_at, used_at, delete_at)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING RETURNING 1`,
        hash,
        user,
        createdAt,
        endsAt,
        now,
        deleteAt,
      );
      if (stored.length === 0) return "ended";
      count = countNow() + 1;
      return "stored";
    },

    read(hash, idleMs, now) {
      const [row] = rowsOf([hash], idleMs, now);
      if (row === undefined) return undefined;
      const deleteAt = deleteAtOf(now, row.ends_at, idleMs);
      // SQLite writes the index only if `delete_at` changes.
      if (now - row.used_at >= Math.min(USE_EVERY_MS, idleMs * USE_SHARE))
        if (deleteAt === row.delete_at)
          sql.exec("UPDATE sessions SET used_at = ? WHERE hash = ?", now, hash);
        else
          sql.exec(
            "UPDATE sessions SET used_at = ?, delete_at = ? WHERE hash = ?",
            now,
            deleteAt,
            hash,
          );
      return recordOf(row);
    },

    peek: (hashes, idleMs, now) =>
      rowsOf(hashes, idleMs, now).map((row) => ({ ...recordOf(row), usedAt: row.used_at })),

    remove({ hashes, user, pending, idleMs }, now) {
      // Another isolate may have a longer idle time: a session that has ended for this one is deleted too.
      const rows = nameLists(hashes).flatMap((list) =>
        sql.exec<Row>(
          `DELETE FROM sessions WHERE hash IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR user = ?2)
           RETURNING *`,
          list,
          user ?? null,
        ),
      );
      if (count !== undefined) count -= rows.length;
      const removed = new Set(rows.map(({ hash }) => hash));
      for (const hash of pending)
        if (!removed.has(hash))
          sql.exec(
            "INSERT OR REPLACE INTO ended (hash, delete_at) VALUES (?, ?)",
            hash,
            now + KEEP_ENDED_MS,
          );
      return rows.filter((row) => isAlive(row, idleMs, now)).map(recordOf);
    },

    removeExpired(now, limit) {
      const sessions = removeUntil("sessions", now, limit);
      if (count !== undefined) count -= sessions;
      return Math.max(sessions, removeUntil("ended", now, limit)) === limit;
    },

    isEmpty: () =>
      sql.exec("SELECT 1 FROM sessions UNION ALL SELECT 1 FROM ended LIMIT 1").length === 0,
  };
}

function isAlive({ ends_at, used_at }: Row, idleMs: Millis, now: EpochMs): boolean {
  return ends_at > now && used_at + idleMs > now;
}

function recordOf({ hash, user, created_at, ends_at }: Row): SessionRecord {
  return { hash, user, createdAt: created_at, endsAt: ends_at };
}

function deleteAtOf(now: EpochMs, endsAt: EpochMs, idleMs: Millis): EpochMs {
  return Math.ceil(Math.min(now + idleMs, endsAt) / DELETE_STEP_MS) * DELETE_STEP_MS;
}
