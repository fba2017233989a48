/** The SQL statements on the ids whose effect is committed, and on the pause of the consumer. */
import { and, eq, sql, type SQL } from "drizzle-orm";
import type { Millis } from "../../core/time.ts";
import type { Database } from "../outbox.ts";
import {
  deadLetters,
  idempotencyKeys,
  pausedConsumers,
  PROCESSED_KEY,
  processedMessages,
} from "../schema.ts";

/** Inserts ids. The statement fails, and with it its transaction, if one of them is there already. */
export function recordIds(db: Database, namespace: string, ids: readonly string[]) {
  return db
    .insert(processedMessages)
    .values(ids.map((id) => ({ namespace, id })))
    .returning({ id: processedMessages.id });
}

export interface ConsumerState {
  readonly paused: boolean;
  /** Those of the ids whose effect is committed. */
  readonly processed: ReadonlySet<string>;
}

/** Reads with one query what the consumer needs before it applies messages. */
export async function readState(
  db: Database,
  namespace: string,
  ids: readonly string[],
): Promise<ConsumerState> {
  const { rows } = await db.execute<{ paused: boolean; processed: string[] }>(sql`
    select exists (select from ${pausedConsumers} where namespace = ${namespace}) as paused,
      array(select id from ${processedMessages}
        where namespace = ${namespace} and id = any(${sql.param(ids)}::text[])) as processed`);
  const [row] = rows;
  return { paused: row?.paused ?? false, processed: new Set(row?.processed) };
}

/** Counts the ids that are not recorded, in a statement of the caller. */
export function countUnapplied(namespace: string, ids: readonly string[]): SQL<number> {
  return sql<number>`(select count(*) from unnest(${sql.param(ids)}::text[]) as sent (id)
    where not exists (select from ${processedMessages} as done
      where done.namespace = ${namespace} and done.id = sent.id))`;
}

/** Pauses the consumer of the namespace, or lets it go on. */
export async function setPaused(db: Database, namespace: string, paused: boolean): Promise<void> {
  if (paused) await db.insert(pausedConsumers).values({ namespace }).onConflictDoNothing();
  else await db.delete(pausedConsumers).where(eq(pausedConsumers.namespace, namespace));
}

/**
 * Deletes the ids and idempotency keys that are older than `keepMs`. The id of a message with a dead
 * letter is kept as long as the dead letter, because an operator may replay it. The letter is
 * deleted if its effect was committed that long ago, and the letter not replayed since.
 */
export async function trimIds(db: Database, namespace: string, keepMs: Millis): Promise<void> {
  const end = sql`now() - ${keepMs}::float8 * interval '1 millisecond'`;
  await db.batch([
    db.delete(deadLetters).where(
      and(
        eq(deadLetters.namespace, namespace),
        sql`(${deadLetters.replayedAt} is null or ${deadLetters.replayedAt} < ${end})
            and exists (select from ${processedMessages} where ${processedMessages.namespace} = ${namespace}
              and ${processedMessages.id} = ${deadLetters.id} and ${processedMessages.processedAt} < ${end})`,
      ),
    ),
    db.delete(processedMessages).where(
      and(
        eq(processedMessages.namespace, namespace),
        sql`${processedMessages.processedAt} < ${end}
          and not exists (select from ${deadLetters} where ${deadLetters.namespace} = ${namespace}
            and ${deadLetters.id} = ${processedMessages.id})`,
      ),
    ),
    db
      .delete(idempotencyKeys)
      .where(
        and(
          eq(idempotencyKeys.namespace, namespace),
          sql`${idempotencyKeys.createdAt} < ${end} and ${idempotencyKeys.claimedUntil} < now()`,
        ),
      ),
  ]);
}

/** Whether the database refused a transaction because the effect of one of its ids is committed. */
export function isRepetition(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === PROCESSED_KEY;
}
