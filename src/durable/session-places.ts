/** The places of the sessions of users in SQLite: which sessions a user has, wherever they are stored. */
import type { SessionHash } from "../core/sessions.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { PENDING_MS } from "./session-rows.ts";
import { nameLists, type Sql } from "./store-sql.ts";

export const PLACES_TABLE: readonly string[] = [
  `CREATE TABLE places (user TEXT NOT NULL, hash TEXT NOT NULL, created_at INTEGER NOT NULL,
    placed_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, ending INTEGER NOT NULL,
    PRIMARY KEY (user, hash)) WITHOUT ROWID`,
  "CREATE INDEX places_by_end ON places (ends_at)",
  `CREATE TABLE revocations (user TEXT PRIMARY KEY, name TEXT NOT NULL, delete_at INTEGER NOT NULL)
    WITHOUT ROWID`,
  "CREATE INDEX revocations_by_end ON revocations (delete_at)",
];

/** A place of a session, as its user's object knows it. */
export interface Place {
  readonly hash: SessionHash;
  /** Whether its session may still be on its way to its object. */
  readonly isPending: boolean;
}

/** The instants of a session that got a place. It must be stored until `storeBy`. */
export interface PlacedSession {
  readonly createdAt: EpochMs;
  readonly endsAt: EpochMs;
  readonly storeBy: EpochMs;
}

export interface NewPlace {
  readonly user: string;
  readonly hash: SessionHash;
  readonly absoluteMs: Millis;
  readonly maxPerUser: number;
  /** The last revocation when the sign-in began. Undefined: the session gets its place in any case. */
  readonly revocation?: string | undefined;
  /** Those of the user's sessions that their objects do not have. Undefined: the caller has not asked. */
  readonly dead?: readonly SessionHash[] | undefined;
  /** The session that the new one replaces. It is ending if it is one of the user. */
  readonly replaced?: SessionHash | undefined;
}

export type Placed =
  /** All sessions of the user have been revoked since. */
  | { readonly kind: "refused" }
  /** The user has too many places. The caller finds out which of them have a session. */
  | { readonly kind: "full"; readonly hashes: readonly SessionHash[] }
  /** The caller ends the sessions `ending`, and then drops their places. */
  | ({ readonly kind: "placed"; readonly ending: readonly Place[] } & PlacedSession);

/** Each method must run inside a transaction. */
export interface SessionPlaces {
  lastRevocation(user: string, now: EpochMs): string;
  place(place: NewPlace, now: EpochMs): Placed;
  /** Makes a place for another hash of a session. Returns undefined if the session has no place or is ending. */
  copy(user: string, from: SessionHash, to: SessionHash, now: EpochMs): PlacedSession | undefined;
  list(user: string, now: EpochMs): readonly Place[];
  /** Notes a revocation of all sessions of the user, and returns their places. None of them is copied any more. */
  endAll(user: string, name: string, now: EpochMs): readonly Place[];
  drop(user: string, hashes: readonly SessionHash[]): void;
  removeExpired(now: EpochMs, limit: number): boolean;
  isEmpty(): boolean;
}

/** A sign-in must not take longer than this. */
const KEEP_REVOCATION_MS: Millis = 3_600_000;

type Row = { hash: string; created_at: number; placed_at: number; ends_at: number; ending: number };

export function createSessionPlaces(sql: Sql): SessionPlaces {
  // The object of a session may have a slower clock than this one, and still have the session.
  const rowsOf = (user: string, now: EpochMs): readonly Row[] =>
    sql.exec<Row>(
      "SELECT * FROM places WHERE user = ? AND ends_at > ? ORDER BY ends_at, hash",
      user,
      now - PENDING_MS,
    );

  function drop(user: string, hashes: readonly SessionHash[]): void {
    for (const list of nameLists(hashes))
      sql.exec(
        "DELETE FROM places WHERE user = ? AND hash IN (SELECT value FROM json_each(?))",
        user,
        list,
      );
  }

  function add(
    user: string,
    hash: SessionHash,
    { createdAt, endsAt }: { readonly createdAt: EpochMs; readonly endsAt: EpochMs },
    now: EpochMs,
  ): PlacedSession {
    sql.exec(
      `INSERT INTO places (user, hash, created_at, placed_at, ends_at, ending)
       VALUES (?, ?, ?, ?, ?, 0)`,
      user,
      hash,
      createdAt,
      now,
      endsAt,
    );
    return { createdAt, endsAt, storeBy: now + PENDING_MS };
  }

  function lastRevocation(user: string, now: EpochMs): string {
    const [last] = sql.exec<{ name: string }>(
      "SELECT name FROM revocations WHERE user = ? AND delete_at > ?",
      user,
      now,
    );
    return last?.name ?? "";
  }

  return {
    lastRevocation,

    place({ user, hash, absoluteMs, maxPerUser, revocation, dead, replaced }, now) {
      if (revocation !== undefined && revocation !== lastRevocation(user, now))
        return { kind: "refused" };
      const rows = rowsOf(user, now);
      const live = rows.filter((row) => row.ending === 0 && row.hash !== replaced);
      if (live.length >= maxPerUser && dead === undefined)
        return { kind: "full", hashes: live.map((row) => row.hash) };
      const gone = new Set(dead);
      const dropped = live.filter((row) => gone.has(row.hash) && !placeOf(row, now).isPending);
      const kept = live.filter((row) => !dropped.includes(row));
      const excess = kept.slice(0, Math.max(0, kept.length - maxPerUser + 1));
      const ended = [...excess, ...rows.filter((row) => row.hash === replaced)];
      drop(
        user,
        dropped.map((row) => row.hash),
      );
      for (const row of ended)
        sql.exec("UPDATE places SET ending = 1 WHERE user = ? AND hash = ?", user, row.hash);
      // Places whose session could not be ended before are tried again.
      const ending = rows.filter((row) => row.ending === 1 || ended.includes(row));
      const placed = add(user, hash, { createdAt: now, endsAt: now + absoluteMs }, now);
      return { kind: "placed", ...placed, ending: ending.map((row) => placeOf(row, now)) };
    },

    copy(user, from, to, now) {
      const row = rowsOf(user, now).find((one) => one.hash === from && one.ending === 0);
      if (row === undefined) return undefined;
      return add(user, to, { createdAt: row.created_at, endsAt: row.ends_at }, now);
    },

    list: (user, now) => rowsOf(user, now).map((row) => placeOf(row, now)),

    endAll(user, name, now) {
      sql.exec(
        "INSERT OR REPLACE INTO revocations (user, name, delete_at) VALUES (?, ?, ?)",
        user,
        name,
        now + KEEP_REVOCATION_MS,
      );
      sql.exec("UPDATE places SET ending = 1 WHERE user = ? AND ending = 0", user);
      return rowsOf(user, now).map((row) => placeOf(row, now));
    },

    drop,

    removeExpired(now, limit) {
      const places = sql.exec(
        `DELETE FROM places WHERE (user, hash) IN
           (SELECT user, hash FROM places WHERE ends_at <= ? ORDER BY ends_at LIMIT ?) RETURNING 1`,
        now - PENDING_MS,
        limit,
      );
      const revocations = sql.exec(
        `DELETE FROM revocations WHERE user IN
           (SELECT user FROM revocations WHERE delete_at <= ? ORDER BY delete_at LIMIT ?) RETURNING 1`,
        now,
        limit,
      );
      return Math.max(places.length, revocations.length) === limit;
    },

    isEmpty: () =>
      sql.exec("SELECT 1 FROM places UNION ALL SELECT 1 FROM revocations LIMIT 1").length === 0,
  };
}

/** A pending session is stored within `PENDING_MS`. The clocks of two objects may differ by as much again. */
function placeOf({ hash, placed_at }: Row, now: EpochMs): Place {
  return { hash, isPending: now - placed_at < 2 * PENDING_MS };
}
