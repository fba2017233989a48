/** The SQL statements on the outbox. */
import { sql, type SQL } from "drizzle-orm";
import type { NeonHttpDatabase } from "drizzle-orm/neon-http";
import type { LogKey } from "../core/invalidation-key.ts";
import { outbox } from "./schema.ts";
import type { Seq } from "../core/seq.ts";
import type { Millis } from "../core/time.ts";

export type Database = NeonHttpDatabase;

/** A row that an INSERT into the outbox returns. Postgres' bigint arrives as text. */
export interface InsertedRow extends Record<string, unknown> {
  readonly id: string;
  readonly logKeys: LogKey[];
}

/** A row of the outbox as the relay reads it. */
export interface OutboxRow {
  readonly id: number;
  readonly logKeys: readonly LogKey[];
  readonly number: Seq | null;
  readonly lagMs: Millis;
  readonly settled: boolean;
}

/** The fields of a new row, without its log keys. */
export interface Heading {
  /** The namespace of the log. */
  readonly namespace: string;
  /** The milliseconds after the first invalidation at which the row is invalidated again; 0 for never. */
  readonly lagMs: Millis;
}

/** Inserts one row with log keys that are known before the transaction begins. */
export function insertLogKeys(db: Database, heading: Heading, logKeys: readonly LogKey[]) {
  const { namespace, lagMs } = heading;
  return db.execute<InsertedRow>(sql`
    insert into ${outbox} (namespace, lag_ms, members)
    values (${namespace}, ${lagMs}::integer, ${textArray(logKeys)})
    returning id, members as "logKeys"`);
}

/**
 * Inserts one row with `logKeys` and the tags that `tagQuery` finds, or no row if `tagQuery` finds
 * nothing. The caller runs the statement in the transaction of the change, before or after it.
 */
export function insertFoundTags(
  db: Database,
  { namespace, lagMs }: Heading,
  tagQuery: SQL,
  logKeys: readonly LogKey[],
) {
  return db.execute<InsertedRow>(sql`
    with found (log_key) as materialized (
      select 't:' || named.tag from (${tagQuery}) as named (tag) where named.tag is not null
    )
    insert into ${outbox} (namespace, lag_ms, members)
    select ${namespace}, ${lagMs}::integer,
      array(select log_key from found union select unnest(${textArray(logKeys)}))
    where exists (select from found)
    returning id, members as "logKeys"`);
}

/**
 * Records the number that the log gave to the rows. If two writers record a number for one row, the
 * higher number stays, because the log has the row's keys at that number or a later one.
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

/**
 * Deletes the rows whose number has not changed since they were read. A row with another number was
 * invalidated again in the meantime.
 */
export function deleteSettled(db: Database, rows: readonly OutboxRow[]) {
  const numbers = rows.map((row) => row.number ?? 0);
  return db.execute(sql`
    delete from ${outbox}
    using unnest(${idArray(rows.map((row) => row.id))}, ${idArray(numbers)}) as seen (id, number)
    where outbox.id = seen.id and outbox.number = seen.number`);
}

/** Deletes the outbox rows of a change that affected no data. */
export function deleteRows(db: Database, ids: readonly number[]) {
  return db.execute(sql`delete from ${outbox} where id = any(${idArray(ids)})`);
}

/**
 * Returns the oldest rows of the namespace that are due: rows without an invalidation, rows due for
 * their second invalidation, and rows due for verification.
 */
export async function selectDue(
  db: Database,
  { namespace, verifyAfterMs, limit }: Due & { limit: number },
): Promise<OutboxRow[]> {
  return db
    .select({
      id: outbox.id,
      logKeys: sql<LogKey[]>`${outbox.logKeys}`,
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

/** Returns the time until a row next needs its second invalidation, by the database's clock. Undefined if no row waits for one. */
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

/** Which rows a relay handles. */
export interface Due {
  readonly namespace: string;
  /** The milliseconds after its last invalidation at which a row is verified against the log. */
  readonly verifyAfterMs: Millis;
}

function textArray(values: readonly string[]): SQL {
  return sql`${sql.param(values)}::text[]`;
}

function idArray(values: readonly number[]): SQL {
  return sql`${sql.param(values)}::bigint[]`;
}
