import type { SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { Duration } from "../core/duration.ts";
import { invalidationKeyOfTag, type LogKey } from "../core/invalidation-key.ts";
import {
  insertFound,
  insertMembers,
  type Database,
  type Heading,
  type InsertedRow,
} from "./outbox.ts";
import { unionOf } from "./relay.ts";
import type { Through } from "./through.ts";

/** A statement with RETURNING. */
export type Returning<T> = BatchItem<"pg"> & { readonly _: { readonly result: T[] } };

export interface Mutation<T> {
  /**
   * The change, as one transaction. The first row that the first statement returns is
   * the mutation's value; if it returns none, nothing has changed.
   */
  readonly statements: readonly [Returning<T>, ...BatchItem<"pg">[]];
  /** Tags that the change makes invalid, as far as they are known beforehand. */
  readonly tags: readonly string[];
  /**
   * A query of one text column: tags that depend on the rows. It runs in the transaction
   * of the change, before it and after it; with `after`, only after it.
   *
   * It must lock the rows it reads (`FOR UPDATE`, in a subselect). Otherwise, of two who
   * move one product at once, from A to B and from A to C, both read A before; the second
   * then waits for the first, overwrites B, and nobody invalidates the lists of B. With
   * the lock the second waits before it reads, and reads B.
   */
  readonly tagQuery?: SQL | { readonly after: SQL };
  /**
   * How far the origin's reads may lag behind this change (read replicas): it is
   * invalidated once more when that is over. Default: the writer's.
   */
  readonly originLag?: Duration;
  /** What the value makes of an entry at once (write-through); otherwise the next reader loads it. */
  readonly through?: (value: T) => Through;
}

export interface Committed<T> {
  readonly value: T | undefined;
  /** The rows of the outbox that the change left, and what they hold. */
  readonly ids: readonly number[];
  readonly members: readonly LogKey[];
}

/**
 * Runs the change and notes in the outbox what it makes invalid: one request, one
 * transaction. Either both are there afterwards or neither is.
 */
export async function commit<T>(
  db: Database,
  heading: Heading,
  mutation: Mutation<T>,
): Promise<Committed<T>> {
  const { statements, tags, tagQuery } = mutation;
  const members = tags.map(invalidationKeyOfTag);
  const { before, after } = queriesOf(tagQuery);
  const head = before && insertFound(db, heading, before, members);
  const tail = after
    ? insertFound(db, heading, after, members)
    : insertMembers(db, heading, members);
  const [first, ...others] = statements;

  // The statements stand in the middle; the answer has the same order.
  const results: readonly unknown[] = await db.batch(
    head ? [head, first, ...others, tail] : [first, ...others, tail],
  );
  const [value] = results[head ? 1 : 0] as T[];
  const inserts = (head ? [results[0], results.at(-1)] : [results.at(-1)]) as Inserted[];
  const rows = inserts.flatMap((result) => result.rows);
  return { value, ids: rows.map((row) => Number(row.id)), members: unionOf(rows) };
}

type Inserted = { readonly rows: readonly InsertedRow[] };

function queriesOf(tagQuery: Mutation<unknown>["tagQuery"]): { before?: SQL; after?: SQL } {
  if (tagQuery === undefined) return {};
  return "after" in tagQuery ? tagQuery : { before: tagQuery, after: tagQuery };
}
