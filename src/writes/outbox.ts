import { sql, type SQL } from "drizzle-orm";
import type { NeonHttpDatabase } from "drizzle-orm/neon-http";
import type { LogKey } from "../core/invalidation-key.ts";
import { outbox } from "./schema.ts";
import type { Seq } from "../core/seq.ts";
import type { Millis } from "../core/time.ts";

export type Database = NeonHttpDatabase;

/** What an INSERT into the outbox answers. Postgres' bigint arrives as text. */
export interface InsertedRow extends Record<string, unknown> {
  readonly id: string;
  readonly members: LogKey[];
}

/** A row of the outbox as the relay reads it. */
export interface OutboxRow {
  readonly id: number;
  readonly members: readonly LogKey[];
  readonly number: Seq | null;
  readonly lagMs: Millis;
  readonly settled: boolean;
}

/** What a row says beside its members. */
export interface Heading {
  /** Whose log the members are of. */
  readonly namespace: string;
  /** How long after the first invalidation a second one is due; 0 for none. */
  readonly lagMs: Millis;
}

/** One row with the members; for what is known before the transaction. */
export function insertMembers(db: Database, heading: Heading, members: readonly LogKey[]) {
  const { namespace, lagMs } = heading;
  return db.execute<InsertedRow>(sql`
    insert into ${outbox} (namespace, lag_ms, members)
    values (${namespace}, ${lagMs}::integer, ${textArray(members)})
    returning id, members`);
}

/**
 * One row with the tags that `tagQuery` finds and `members` beside them; none if it
 * finds nothing. Runs inside the transaction of the change, before it and after it.
 */
export function insertFound(
  db: Database,
  { namespace, lagMs }: Heading,
  tagQuery: SQL,
  members: readonly LogKey[],
) {
  return db.execute<InsertedRow>(sql`
    with found (member) as materialized (
      select 't:' || named.tag from (${tagQuery}) as named (tag) where named.tag is not null
    )
    insert into ${outbox} (namespace, lag_ms, members)
    select ${namespace}, ${lagMs}::integer,
      array(select member from found union select unnest(${textArray(members)}))
    where exists (select from found)
    returning id, members`);
}

/**
 * Notes the number under which the rows are in the log. Two who note the same row leave
 * the higher number: the log holds the members under it or a later one.
 */
export function noteNumber(
  db: Database,
  ids: readonly number[],
  number: Seq,
  { settled }: { settled: boolean },
) {
  return db.execute(sql`
    update ${outbox}
    set number = greatest(number, ${number}::bigint), invalidated_at = now(),
        settled = settled or ${settled}
    where id = any(${idArray(ids)})`);
}

/** Deletes the rows whose number is still the one that was seen; others were handled anew. */
export function deleteSettled(db: Database, rows: readonly OutboxRow[]) {
  const numbers = rows.map((row) => row.number ?? 0);
  return db.execute(sql`
    delete from ${outbox}
    using unnest(${idArray(rows.map((row) => row.id))}, ${idArray(numbers)}) as seen (id, number)
    where outbox.id = seen.id and outbox.number = seen.number`);
}

/** Deletes rows of a change that did not happen. */
export function deleteRows(db: Database, ids: readonly number[]) {
  return db.execute(sql`delete from ${outbox} where id = any(${idArray(ids)})`);
}

/** The oldest rows of the namespace that something is to be done about now. */
export async function selectDue(
  db: Database,
  { namespace, verifyAfterMs, limit }: Due & { limit: number },
): Promise<OutboxRow[]> {
  return db
    .select({
      id: outbox.id,
      members: sql<LogKey[]>`${outbox.members}`,
      number: outbox.number,
      lagMs: outbox.lagMs,
      settled: outbox.settled,
    })
    .from(outbox)
    .where(
      sql`${outbox.namespace} = ${namespace} and (${outbox.number} is null or
          ${outbox.invalidatedAt} <= now() -
          case when ${outbox.settled} then ${verifyAfterMs}::float8 else ${outbox.lagMs} end
          * interval '1 millisecond')`,
    )
    .orderBy(outbox.id)
    .limit(limit);
}

/** In how long the next second invalidation is due, by the database's clock; undefined if none is. */
export async function nextInvalidation(
  db: Database,
  namespace: string,
): Promise<Millis | undefined> {
  const [row] = await db
    .select({
      inMs: sql<number | null>`(extract(epoch from min(${outbox.invalidatedAt} +
        ${outbox.lagMs} * interval '1 millisecond') - now()) * 1000)::float8`,
    })
    .from(outbox)
    .where(
      sql`${outbox.namespace} = ${namespace} and ${outbox.number} is not null
          and not ${outbox.settled}`,
    );
  const inMs = row?.inMs ?? null;
  return inMs === null ? undefined : Math.max(0, Math.ceil(inMs));
}

/** Which rows are a relay's, and how long they rest. */
export interface Due {
  readonly namespace: string;
  /** From the last invalidation to the look whether the log still has it. */
  readonly verifyAfterMs: Millis;
}

function textArray(values: readonly string[]): SQL {
  return sql`${sql.param(values)}::text[]`;
}

function idArray(values: readonly number[]): SQL {
  return sql`${sql.param(values)}::bigint[]`;
}
