/**
 * The invalidation log in SQLite: the rules of redis/scripts.ts, number by number. Each method must run
 * inside one transaction. docs/storage-schema.md lists the tables.
 */
import { SOFT, UNCONFIRMED, type LogKey } from "../core/invalidation-key.ts";
import type { Invalidation } from "../core/invalidator.ts";
import type { LogAnswer } from "../core/log.ts";
import type { HighestNumbers } from "../core/log-verdict.ts";
import type { NewId } from "../core/random.ts";
import type { Era, Seq } from "../core/seq.ts";
import type { Clock, Millis } from "../core/time.ts";
import { nameLists, type Sql } from "./store-sql.ts";

/** An answer of the log without the instant of the question, which only the isolate knows. */
export type LogPart = Omit<LogAnswer, "sentAt" | "deferred">;

export interface StoreLog {
  answer(since: Seq, limit: number): LogPart;
  /** Returns the highest number of each kind that the names of each list have. */
  highest(lists: readonly (readonly string[])[]): HighestNumbers[];
  numbers(logKeys: readonly string[]): Seq[];
  invalidate(logKeys: readonly LogKey[], watched: readonly LogKey[]): Invalidation;
  establish(known: { era: Era | undefined; seq: Seq }, limit: number): LogPart;
  trim(keepMs: Millis, maxLogKeys: number): Seq;
  isEmpty(): boolean;
}

interface Head {
  readonly era: Era | undefined;
  /** The newest number; 0 before the first one. */
  readonly seq: Seq;
  readonly floor: Seq;
}

/** The statements that make the tables of the log. */
export const LOG_TABLES: readonly string[] = [
  "CREATE TABLE log (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
  "CREATE INDEX log_by_seq ON log (seq)",
  "CREATE TABLE marks (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
];

export function createStoreLog(sql: Sql, now: Clock, newId: NewId): StoreLog {
  const micros = (): Seq => Math.floor(now()) * 1_000;

  function head(): Head {
    const [row] = sql.exec<{ era: string | null; seq: number; floor: number }>(
      "SELECT era, seq, floor FROM meta",
    );
    return { era: row?.era ?? undefined, seq: row?.seq ?? 0, floor: row?.floor ?? 0 };
  }

  function numbersOf(names: readonly string[]): Map<string, Seq> {
    const found = new Map<string, Seq>();
    for (const list of nameLists(names)) {
      const rows = sql.exec<{ name: string; seq: number }>(
        "SELECT name, seq FROM log WHERE name IN (SELECT value FROM json_each(?))",
        list,
      );
      for (const { name, seq } of rows) found.set(name, seq);
    }
    return found;
  }

  function answer(since: Seq, limit: number): LogPart {
    const { era, seq, floor } = head();
    if (era === undefined)
      return { era, seq: undefined, floor: 0, since, truncated: false, changes: [] };
    const rows = sql.exec<{ name: string; seq: number }>(
      "SELECT name, seq FROM log WHERE seq >= ? ORDER BY seq DESC, name DESC LIMIT ?",
      since,
      limit + 1,
    );
    return {
      era,
      // A number below the question tells the isolate nothing: the log has lost newer ones.
      seq: seq >= since ? seq : undefined,
      floor,
      since,
      truncated: rows.length > limit,
      changes: rows.slice(0, limit).map(({ name, seq: number }) => [name, number] as const),
    };
  }

  return {
    answer,

    highest(lists) {
      const names = new Set(lists.flat());
      const asked = [...names].flatMap((name) => [name, SOFT + name, UNCONFIRMED + name]);
      const found = numbersOf(asked);
      const highestOf = (list: readonly string[], kind: string): Seq =>
        list.reduce((highest, name) => Math.max(highest, found.get(kind + name) ?? 0), 0);
      return lists.map((list) => ({
        hard: highestOf(list, ""),
        soft: highestOf(list, SOFT),
        unconfirmed: highestOf(list, UNCONFIRMED),
      }));
    },

    numbers(logKeys) {
      const found = numbersOf(logKeys);
      return logKeys.map((logKey) => found.get(logKey) ?? 0);
    },

    invalidate(logKeys, watched) {
      const { era: known, seq: newest, floor } = head();
      const era = known ?? newId();
      const seq = Math.max(newest + 1, micros());
      // A number up to the floor may have been trimmed.
      const before = [...numbersOf([...logKeys, ...watched]).values()];
      const previous = before.reduce((highest, number) => Math.max(highest, number), floor);
      for (const list of nameLists(logKeys))
        sql.exec(
          `INSERT INTO log (name, seq) SELECT value, ?1 FROM json_each(?2) WHERE true
           ON CONFLICT (name) DO UPDATE SET seq = excluded.seq`,
          seq,
          list,
        );
      sql.exec("UPDATE meta SET era = ?, seq = ?", era, seq);
      return { seq, era, previous };
    },

    establish(known, limit) {
      const { era, seq } = head();
      const lost = era !== undefined && era === known.era && seq < known.seq;
      if (era === undefined || seq === 0 || lost)
        sql.exec(
          "UPDATE meta SET era = ?, seq = ?, floor = 0",
          newId(),
          Math.max(seq + 1, known.seq + 1, micros()),
        );
      // Numbers of another era may be above all numbers of this one.
      return answer(era !== undefined && era === known.era ? known.seq : 0, limit);
    },

    trim(keepMs, maxLogKeys) {
      const { era, seq, floor } = head();
      if (era === undefined) return 0;
      sql.exec("INSERT OR IGNORE INTO marks (seq, at) VALUES (?, ?)", seq, Math.floor(now()));
      const [old] = sql.exec<{ seq: number; at: number }>(
        "SELECT seq, at FROM marks WHERE at <= ? ORDER BY at DESC, seq DESC LIMIT 1",
        Math.floor(now()) - keepMs,
      );
      if (old !== undefined) sql.exec("DELETE FROM marks WHERE seq < ?", old.seq);
      // The highest number among the log keys beyond the maximum.
      const [spare] = sql.exec<{ seq: number }>(
        "SELECT seq FROM log ORDER BY seq DESC, name DESC LIMIT 1 OFFSET ?",
        maxLogKeys,
      );
      const raised = Math.max(old?.seq ?? 0, spare?.seq ?? 0);
      if (raised <= floor) return floor;
      sql.exec("DELETE FROM log WHERE seq <= ?", raised);
      sql.exec("UPDATE meta SET floor = ?", raised);
      return raised;
    },

    isEmpty: () => sql.exec("SELECT 1 FROM log LIMIT 1").length === 0,
  };
}
