import type { SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { Duration } from "../core/duration.ts";
import { invalidationKeyOfTag, type LogKey } from "../core/invalidation-key.ts";
import type { TopicEvent } from "../core/live-event.ts";
import {
  insertFoundTags,
  insertLogKeys,
  type Database,
  type Heading,
  type InsertedRow,
} from "./outbox.ts";
import { unionOf } from "./relay.ts";
import { eventsOf, insertEvents, type TopicEventRow } from "./live-events.ts";
import type { Through } from "./through.ts";

/** A statement with a RETURNING clause. */
export type Returning<T> = BatchItem<"pg"> & { readonly _: { readonly result: T[] } };

/** A change of rows, with the tags of the entries that were made from those rows. */
export interface Mutation<T> {
  /**
   * The statements of the change. They run in one transaction. The mutation's value is the first
   * row that the first statement returns. If that statement returns no row, the change matched
   * nothing.
   */
  readonly statements: readonly [Returning<T>, ...BatchItem<"pg">[]];
  /** The tags to invalidate that are known before the transaction. */
  readonly tags: readonly string[];
  /**
   * A query of one text column, for tags that depend on the rows. It runs in the transaction of the
   * change, both before and after the change itself; with `after`, it runs only after it.
   *
   * The query must lock the rows that it reads (`FOR UPDATE`, in a subselect). Suppose that two
   * mutations move a product at once, one from A to B and one from A to C. Without the lock both
   * queries read A. The mutation to C then waits for the mutation to B and overwrites B, so the
   * lists of B are not invalidated. With the lock it waits before its query reads, and the query
   * reads B.
   */
  readonly tagQuery?: SQL | { readonly after: SQL };
  /**
   * The longest time by which the origin's reads may lag behind this change, as with read replicas.
   * The change is invalidated again after this time. Default: the writer's `originLagMs`.
   */
  readonly originLag?: Duration;
  /**
   * A query of the columns topic, channel and message, for live events of the change. It runs in the
   * transaction after the change, or before it with `before`. A channel may be null. A message is a JSON
   * object of at most 1,024 characters, or the change fails.
   *
   * The query must find only rows that the transaction has changed (`xmin =
   * pg_current_xact_id()::xid`) or locks (`FOR UPDATE`, in a subselect). Otherwise the events of two changes at
   * once may get ids in another order than that of their commits.
   */
  readonly liveEvents?: SQL | { readonly before: SQL };
  /**
   * Makes the entry of the value, which is stored at once (write-through). Default: no entry is
   * stored, and the next lookup loads it.
   */
  readonly through?: (value: T) => Through;
}

export interface Committed<T> {
  readonly value: T | undefined;
  /** The ids of the rows that the transaction added to the outbox. */
  readonly ids: readonly number[];
  /** The log keys of those rows. */
  readonly logKeys: readonly LogKey[];
  readonly events: readonly TopicEvent[];
}

/** What a commit adds to a change besides the outbox rows. */
export interface CommitOptions {
  /** Whether the live events of the change are inserted. Without the objects of topics nothing would delete them. */
  readonly hasTopics: boolean;
}

/**
 * Commits the change together with its outbox rows, in one transaction and one request to the
 * database: either both are stored or neither is.
 */
export async function commit<T>(
  db: Database,
  heading: Heading,
  mutation: Mutation<T>,
  { hasTopics }: CommitOptions,
): Promise<Committed<T>> {
  const { statements, tags, tagQuery } = mutation;
  const logKeys = tags.map(invalidationKeyOfTag);
  const { before, after } = queriesOf(tagQuery);
  const events = hasTopics ? eventQueriesOf(mutation.liveEvents) : {};
  const { namespace } = heading;
  const eventsBefore = events.before && insertEvents(db, namespace, events.before);
  const eventsAfter = events.after && insertEvents(db, namespace, events.after);
  const head = before && insertFoundTags(db, heading, before, logKeys);
  const tail = after
    ? insertFoundTags(db, heading, after, logKeys)
    : insertLogKeys(db, heading, logKeys);
  const [first, ...others] = statements;

  // The results are in the order of the statements: events and tags before the change, the change,
  // events and tags after it.
  const added = <S>(statement: S | undefined): S[] => (statement === undefined ? [] : [statement]);
  const leading = [...added(eventsBefore), ...added(head)];
  const results: readonly unknown[] = await db.batch([
    ...leading,
    first,
    ...others,
    ...added(eventsAfter),
    tail,
  ] as unknown as [BatchItem<"pg">]);
  const [value] = results[leading.length] as T[];
  const inserts = (
    head ? [results[leading.length - 1], results.at(-1)] : [results.at(-1)]
  ) as Inserted<InsertedRow>[];
  const rows = inserts.flatMap((result) => result.rows);
  const eventResults = [
    ...(eventsBefore ? [results[0]] : []),
    ...(eventsAfter ? [results.at(-2)] : []),
  ] as Inserted<TopicEventRow>[];
  return {
    value,
    ids: rows.map((row) => Number(row.id)),
    logKeys: unionOf(rows),
    events: eventsOf(eventResults.flatMap((result) => result.rows)),
  };
}

type Inserted<T> = { readonly rows: readonly T[] };

function eventQueriesOf(queries: Mutation<unknown>["liveEvents"]): { before?: SQL; after?: SQL } {
  if (queries === undefined) return {};
  return "before" in queries ? queries : { after: queries };
}

function queriesOf(tagQuery: Mutation<unknown>["tagQuery"]): { before?: SQL; after?: SQL } {
  if (tagQuery === undefined) return {};
  return "after" in tagQuery ? tagQuery : { before: tagQuery, after: tagQuery };
}
