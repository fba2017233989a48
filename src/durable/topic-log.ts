import type { LiveEvent } from "../core/live-event.ts";
import { KEPT_EVENTS } from "../live/limits.ts";
import type { TopicState } from "../live/topic-state.ts";

/** The names by which the database knows the events of a topic. */
export interface TopicName {
  readonly namespace: string;
  readonly topic: string;
}

/** An event as the log keeps it. */
export interface KeptEvent {
  readonly number: number;
  readonly channel: string | null;
  readonly message: string;
}

/** The newest events of a topic, on the disk of its object. */
export interface TopicLog {
  state(): TopicState;
  append(event: LiveEvent): void;
  /** Begins a new epoch without events. */
  restart(): void;
  /** Returns the kept events after a number, in their order, at most `limit`. */
  after(number: number, limit?: number): KeptEvent[];
  newest(): KeptEvent | undefined;
  /** The number up to which the channels have got the events. */
  published(): number;
  markPublished(number: number): void;
}

/** The first row of an epoch. It has no message: it shows that no event was dropped before the next one. */
const START = 0;

type Row = { readonly number: number; readonly channel: string | null; readonly message: string };

/**
 * Opens the log. Its first row is the floor: the events after that row are complete. An epoch begins
 * with a row of number 0, and each event beyond the limit deletes the first row.
 */
export function openTopicLog(
  storage: DurableObjectStorage,
  name: TopicName,
  newEpoch: () => string,
): TopicLog {
  const { sql } = storage;
  sql.exec(`CREATE TABLE IF NOT EXISTS topic (
    namespace TEXT NOT NULL, topic TEXT NOT NULL, epoch TEXT NOT NULL, published INTEGER NOT NULL)`);
  sql.exec(`CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, at REAL NOT NULL, channel TEXT, message TEXT NOT NULL)`);
  if (sql.exec("SELECT 1 FROM topic").toArray().length === 0) begin();
  let state = readState();

  function begin(): void {
    storage.transactionSync(() => {
      sql.exec("DELETE FROM topic");
      sql.exec("DELETE FROM events");
      sql.exec("INSERT INTO topic VALUES (?, ?, ?, 0)", name.namespace, name.topic, newEpoch());
      sql.exec("INSERT INTO events VALUES (?, 0, NULL, '')", START);
    });
  }

  function readState(): TopicState {
    const { epoch } = sql.exec<{ epoch: string }>("SELECT epoch FROM topic").one();
    const { floor } = sql.exec<{ floor: number }>("SELECT min(number) AS floor FROM events").one();
    const { last, at } = sql
      .exec<{
        last: number;
        at: number;
      }>("SELECT number AS last, at FROM events ORDER BY number DESC LIMIT 1")
      .one();
    return { epoch, floor, last, at };
  }

  return {
    state: () => state,

    append({ id, at, channel, message }) {
      storage.transactionSync(() => {
        sql.exec("INSERT INTO events VALUES (?, ?, ?, ?)", id, at, channel, message);
        sql.exec(
          `DELETE FROM events WHERE number <
            (SELECT number FROM events ORDER BY number DESC LIMIT 1 OFFSET ?)`,
          KEPT_EVENTS,
        );
      });
      state = readState();
    },

    restart() {
      begin();
      state = readState();
    },

    after: (number, limit = KEPT_EVENTS) =>
      sql
        .exec<Row>(
          `SELECT number, channel, message FROM events
           WHERE number > max(?, ?) ORDER BY number LIMIT ?`,
          number,
          START,
          limit,
        )
        .toArray(),

    newest: () =>
      sql
        .exec<Row>(
          `SELECT number, channel, message FROM events
           WHERE number > ? ORDER BY number DESC LIMIT 1`,
          START,
        )
        .toArray()[0],

    published: () => sql.exec<{ published: number }>("SELECT published FROM topic").one().published,

    markPublished: (number) => {
      sql.exec("UPDATE topic SET published = ?", number);
    },
  };
}

/** Returns the name of the topic whose log is on this disk. Undefined if there is none yet. */
export function storedName({ sql }: DurableObjectStorage): TopicName | undefined {
  const tables = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'topic'").toArray();
  if (tables.length === 0) return undefined;
  return sql.exec<{ namespace: string; topic: string }>("SELECT namespace, topic FROM topic").one();
}
