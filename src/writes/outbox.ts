/** The SQL statements on the outbox. */
import { sql, type SQL } from "drizzle-orm";
import type { NeonHttpDatabase } from "drizzle-orm/neon-http";
import type { LogKey } from "../core/invalidation-key.ts";
import { outbox } from "./schema.ts";
import type { Seq } from "../core/seq.ts";
import type { Millis } from "../core/time.ts";

/** The drizzle client of the database. The layer sends no tokens of `$withAuth`. */
export type Database = Omit<NeonHttpDatabase, "$withAuth">;

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
        settled = settled or ${settled}, claimed_until = null
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
 * Claims rows of the namespace for this relay and returns them: the oldest rows without an
 * invalidation, and rows that are due for their second invalidation or for their verification. At
 * most `limit` rows of each kind. Rows that another relay has claimed are left out. If the claim
 * fails, all rows that are due are returned, because invalidations must not wait for a database that
 * refuses writes, and the claim may have been made although its answer was lost.
 */
export async function claimDue(db: Database, due: Due & { limit: number }): Promise<OutboxRow[]> {
  const claimed = db.execute<ClaimedRow>(sql`
    with open as (${openIds(due, IS_FREE)} for update skip locked),
      due as (${dueIds(due, IS_FREE)} for update skip locked)
    update ${outbox} set claimed_until = now() + ${CLAIM_MS}::integer * interval '1 millisecond'
    from (select id from open union all select id from due) as claimed
    where outbox.id = claimed.id
    returning ${COLUMNS}`);
  const { rows } = await claimed.catch(() =>
    db.execute<ClaimedRow>(sql`
      select ${COLUMNS} from ${outbox}
      where id in ((${openIds(due, sql`true`)}) union all (${dueIds(due, sql`true`)}))`),
  );
  return rows
    .map((row) => ({
      ...row,
      id: Number(row.id),
      number: row.number === null ? null : Number(row.number),
    }))
    .toSorted((a, b) => a.id - b.id);
}

const COLUMNS = sql`outbox.id, members as "logKeys", number, lag_ms as "lagMs", settled`;
const IS_FREE = sql`(claimed_until is null or claimed_until < now())`;

function openIds({ namespace, limit }: Due & { limit: number }, isFree: SQL): SQL {
  return sql`
    select id from ${outbox} where namespace = ${namespace} and number is null and ${isFree}
    order by id limit ${limit}`;
}

function dueIds({ namespace, verifyAfterMs, limit }: Due & { limit: number }, isFree: SQL): SQL {
  return sql`
    select id from ${outbox}
    where namespace = ${namespace} and number is not null and ${isFree}
      and invalidated_at <= now() - case when settled then ${verifyAfterMs}::float8 else lag_ms end
        * interval '1 millisecond'
    order by invalidated_at limit ${limit}`;
}

/** Postgres' bigint arrives as text. */
interface ClaimedRow extends Record<string, unknown> {
  readonly id: string;
  readonly logKeys: LogKey[];
  readonly number: string | null;
  readonly lagMs: Millis;
  readonly settled: boolean;
}

/** Longer than a relay takes for the rows that it has claimed at once. A relay that is ended keeps them for so long. */
const CLAIM_MS: Millis = 15_000;

/** Gives claimed rows back, for any relay. */
export function releaseRows(db: Database, rows: readonly OutboxRow[]) {
  return db.execute(sql`
    update ${outbox} set claimed_until = null where id = any(${idArray(rows.map(({ id }) => id))})`);
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

/** Counts the rows whose invalidation is deferred: the log has given them no number yet. */
export async function countDeferred(db: Database, namespace: string): Promise<number> {
  const { rows } = await db.execute<{ count: number }>(sql`
    select count(*)::integer as count from ${outbox}
    where namespace = ${namespace} and number is null`);
  return rows[0]?.count ?? 0;
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
