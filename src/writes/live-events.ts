/** The SQL statements on the events of topics. */
import { sql, type SQL } from "drizzle-orm";
import type { LiveEvent, TopicEvent } from "../core/live-event.ts";
import type { Millis } from "../core/time.ts";
import type { Database } from "./outbox.ts";
import { liveEvents } from "./schema.ts";

/** Postgres' bigint arrives as text. */
interface EventRow extends Record<string, unknown> {
  readonly id: string;
  readonly previous: string;
  readonly at: number;
  readonly channel: string | null;
  readonly message: string;
}

/** A row that an INSERT returns. */
export interface TopicEventRow extends EventRow {
  readonly topic: string;
}

const AT = sql`(extract(epoch from created_at) * 1000)::float8 as at`;

/**
 * Inserts the events that `query` finds. The rows that the events are about are locked by the
 * transaction, so that the ids of a topic rise in the order of the commits.
 */
export function insertEvents(db: Database, namespace: string, query: SQL) {
  return db.execute<TopicEventRow>(sql`
    insert into ${liveEvents} (namespace, topic, channel, message)
    select ${namespace}, found.topic, found.channel, found.message
    from (${query}) as found (topic, channel, message)
    returning id, topic, channel, message, ${AT},
      coalesce((select max(earlier.id) from ${liveEvents} as earlier
        where earlier.namespace = live_events.namespace and earlier.topic = live_events.topic), 0)
        as previous`);
}

/** Makes the events of inserted rows. */
export function eventsOf(rows: readonly TopicEventRow[]): TopicEvent[] {
  return rows.map((row) => ({ ...row, ...numbersOf(row) }));
}

/** Reads the events of a topic after an id, in their order, at most `limit`. */
export async function readEvents(
  db: Database,
  {
    namespace,
    topic,
    after,
    limit,
  }: { namespace: string; topic: string; after: number; limit: number },
): Promise<LiveEvent[]> {
  const { rows } = await db.execute<EventRow>(sql`
    select id, 0 as previous, channel, message, ${AT} from ${liveEvents}
    where namespace = ${namespace} and topic = ${topic} and id > ${after}::bigint
    order by id limit ${limit}`);
  return rows.map((row) => ({ ...row, ...numbersOf(row) }));
}

/** Deletes the events of a topic up to an id. The object of the topic has them on disk. */
export function deleteEvents(db: Database, namespace: string, topic: string, upTo: number) {
  return db.execute(sql`
    delete from ${liveEvents}
    where namespace = ${namespace} and topic = ${topic} and id <= ${upTo}::bigint`);
}

/** A topic with events that wait. `first` is the id of the oldest one. */
export interface WaitingTopic {
  readonly topic: string;
  readonly first: number;
}

/** Lists topics with events that are older than `olderThanMs`, ordered by their oldest event, after the event `after`. */
export async function waitingTopics(
  db: Database,
  { namespace, olderThanMs, after, limit }: WaitingOptions,
): Promise<WaitingTopic[]> {
  const { rows } = await db.execute<{ topic: string; first: string }>(sql`
    select topic, min(id) as first from ${liveEvents}
    where namespace = ${namespace}
      and created_at <= now() - ${olderThanMs}::float8 * interval '1 millisecond'
    group by topic having min(id) > ${after}::bigint order by min(id) limit ${limit}`);
  return rows.map(({ topic, first }) => ({ topic, first: Number(first) }));
}

interface WaitingOptions {
  readonly namespace: string;
  readonly olderThanMs: Millis;
  readonly after: number;
  readonly limit: number;
}

function numbersOf({ id, previous, at }: EventRow): Pick<LiveEvent, "id" | "previous" | "at"> {
  return { id: Number(id), previous: Number(previous), at };
}
