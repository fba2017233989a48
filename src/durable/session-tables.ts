/**
 * Sessions and the places of users in one SQLite database. docs/storage-schema.md lists the tables.
 */
import type { SessionHash, SessionRecord } from "../core/sessions.ts";
import type { Clock, Millis } from "../core/time.ts";
import {
  createSessionPlaces,
  PLACES_TABLE,
  type NewPlace,
  type Place,
  type Placed,
  type PlacedSession,
} from "./session-places.ts";
import {
  createSessionRows,
  SESSIONS_TABLE,
  type Removal,
  type StoredSession,
  type Storing,
} from "./session-rows.ts";
import type { Sql } from "./store-sql.ts";

export interface SessionTablesOptions {
  readonly sql: Sql;
  readonly now: Clock;
  /** The most sessions. */
  readonly maxRows: number;
}

/** The operations of one object. Each is one transaction. */
export interface SessionTables {
  store(storing: Storing): "stored" | "ended" | "full";
  read(hash: SessionHash, idleMs: Millis): SessionRecord | undefined;
  peek(hashes: readonly SessionHash[], idleMs: Millis): readonly StoredSession[];
  remove(removal: Removal): readonly SessionRecord[];
  lastRevocation(user: string): string;
  place(place: NewPlace): Placed;
  copy(user: string, from: SessionHash, to: SessionHash): PlacedSession | undefined;
  list(user: string): readonly Place[];
  endAll(user: string, name: string): readonly Place[];
  drop(user: string, hashes: readonly SessionHash[]): void;
  /** Deletes at most `limit` rows of each table. Returns whether there may be more. */
  removeExpired(limit: number): boolean;
  isEmpty(): boolean;
}

const SCHEMA = 1;

/** Opens the tables, and makes them in a new database. @throws if a newer version has made them */
export function createSessionTables({ sql, now, maxRows }: SessionTablesOptions): SessionTables {
  sql.transaction(() => openSchema(sql));
  const rows = createSessionRows(sql, maxRows);
  const places = createSessionPlaces(sql);

  return {
    store: (storing) => sql.transaction(() => rows.store(storing, now())),
    read: (hash, idleMs) => sql.transaction(() => rows.read(hash, idleMs, now())),
    peek: (hashes, idleMs) => sql.transaction(() => rows.peek(hashes, idleMs, now())),
    remove: (removal) => sql.transaction(() => rows.remove(removal, now())),
    lastRevocation: (user) => sql.transaction(() => places.lastRevocation(user, now())),
    place: (place) => sql.transaction(() => places.place(place, now())),
    copy: (user, from, to) => sql.transaction(() => places.copy(user, from, to, now())),
    list: (user) => sql.transaction(() => places.list(user, now())),
    endAll: (user, name) => sql.transaction(() => places.endAll(user, name, now())),
    drop: (user, hashes) => sql.transaction(() => places.drop(user, hashes)),
    removeExpired: (limit) =>
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
