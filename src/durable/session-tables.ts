/**
 * Sessions and the places of users in one SQLite database. docs/storage-schema.md lists the tables.
 */
import type { SessionHash } from "../core/sessions.ts";
import type { Clock, Millis } from "../core/time.ts";
import { createSessionPlaces, PLACES_TABLE, type NewPlace } from "./session-places.ts";
import { createSessionRows, SESSIONS_TABLE, type Removal, type Storing } from "./session-rows.ts";
import type { Sql } from "./store-sql.ts";

export interface SessionTablesOptions {
  readonly sql: Sql;
  readonly now: Clock;
  /** The most sessions. */
  readonly maxRows: number;
}

/** The operations of one object. Each is one transaction. */
export type SessionTables = ReturnType<typeof createSessionTables>;

const SCHEMA = 1;

/** Opens the tables, and makes them in a new database. @throws if a newer version has made them */
export function createSessionTables({ sql, now, maxRows }: SessionTablesOptions) {
  sql.transaction(() => openSchema(sql));
  const rows = createSessionRows(sql, maxRows);
  const places = createSessionPlaces(sql);

  return {
    store: (storing: Storing) => sql.transaction(() => rows.store(storing, now())),
    read: (hash: SessionHash, idleMs: Millis) =>
      sql.transaction(() => rows.read(hash, idleMs, now())),
    peek: (hashes: readonly SessionHash[], idleMs: Millis) =>
      sql.transaction(() => rows.peek(hashes, idleMs, now())),
    remove: (removal: Removal) => sql.transaction(() => rows.remove(removal, now())),
    lastRevocation: (user: string) => sql.transaction(() => places.lastRevocation(user, now())),
    place: (place: NewPlace) => sql.transaction(() => places.place(place, now())),
    copy: (user: string, from: SessionHash, to: SessionHash) =>
      sql.transaction(() => places.copy(user, from, to, now())),
    list: (user: string) => sql.transaction(() => places.list(user, now())),
    endAll: (user: string, name: string) => sql.transaction(() => places.endAll(user, name, now())),
    drop: (user: string, hashes: readonly SessionHash[]) =>
      sql.transaction(() => places.drop(user, hashes)),
    /** Deletes at most `limit` rows of each table. Returns whether there may be more. */
    removeExpired: (limit: number) =>
      sql.transaction(() =>
        [rows, places].map((table) => table.removeExpired(now(), limit)).some((more) => more),
      ),
    isEmpty: () => rows.isEmpty() && places.isEmpty(),
  };
}

function openSchema(sql: Sql): void {
  sql.exec("CREATE TABLE IF NOT EXISTS session_tables (schema INTEGER NOT NULL)");
  const [made] = sql.exec<{ schema: number }>("SELECT schema FROM session_tables");
  if (made === undefined) {
    for (const statement of [...SESSIONS_TABLE, ...PLACES_TABLE]) sql.exec(statement);
    sql.exec("INSERT INTO session_tables (schema) VALUES (?)", SCHEMA);
  } else if (made.schema !== SCHEMA)
    throw new Error(`the tables have version ${made.schema}; this class knows version ${SCHEMA}`);
}
