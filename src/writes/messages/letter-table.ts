/** The SQL statements on the dead letters. */
import { and, asc, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import type { EpochMs } from "../../core/time.ts";
import type { Database } from "../outbox.ts";
import { deadLetters, processedMessages } from "../schema.ts";
import type { Letter } from "./dead-letter.ts";

/** A message that the consumer has given up. */
export interface DeadLetter {
  /** The id of the message. */
  readonly id: string;
  /** The kind of the message, or "" if it is not a message of the application. */
  readonly kind: string;
  /** The place in the list. */
  readonly position: number;
  /** The message as it was sent. */
  readonly message: unknown;
  /** Why the last attempt failed. */
  readonly error: string;
  /** The number of attempts since the message was last sent. */
  readonly attempts: number;
  /** When the message was first sent. */
  readonly firstAt: EpochMs;
  /** When the last attempt failed. */
  readonly lastAt: EpochMs;
  /** When the message was last sent again. Undefined if it was not. */
  readonly replayedAt: EpochMs | undefined;
}

/**
 * Stores letters. A letter of a message that has one replaces it if its attempt was later. A
 * message whose effect is committed gets no letter: an earlier attempt was not confirmed.
 */
export async function insertLetters(
  db: Database,
  namespace: string,
  letters: readonly Letter[],
): Promise<void> {
  const column = (values: readonly unknown[], type: string) =>
    sql`${sql.param(values)}::${sql.raw(type)}[]`;
  const times = (pick: (letter: Letter) => EpochMs) =>
    column(
      letters.map((letter) => new Date(clampInstant(pick(letter))).toISOString()),
      "timestamptz",
    );
  await db.execute(sql`
    insert into ${deadLetters} (namespace, id, kind, message, error, attempts, first_at, last_at)
    select ${namespace}, letter.* from unnest(
      ${column(
        letters.map(({ id }) => storable(id)),
        "text",
      )},
      ${column(
        letters.map(({ kind }) => storable(kind)),
        "text",
      )},
      ${column(
        letters.map(({ message }) => JSON.stringify(message) ?? "null"),
        "text",
      )},
      ${column(
        letters.map(({ error }) => storable(error)),
        "text",
      )},
      ${column(
        letters.map(({ attempts }) => Math.min(MAX_INTEGER, Math.max(0, attempts))),
        "integer",
      )},
      ${times(({ firstAt }) => firstAt)},
      ${times(({ lastAt }) => lastAt)}
    ) as letter (id, kind, message, error, attempts, first_at, last_at)
    where not exists (select from ${processedMessages} as done
      where done.namespace = ${namespace} and done.id = letter.id)
    on conflict (namespace, id) do update
    set message = excluded.message, error = excluded.error, attempts = excluded.attempts,
      first_at = least(dead_letters.first_at, excluded.first_at), last_at = excluded.last_at,
      replayed_at = null
    where excluded.last_at > dead_letters.last_at`);
}

const MAX_INTEGER = 2_147_483_647;
/** The end of the year 9999. Postgres does not read the form that JavaScript gives to later instants. */
const MAX_INSTANT: EpochMs = 253_402_300_799_999;

function clampInstant(instant: EpochMs): EpochMs {
  return Math.min(MAX_INSTANT, Math.max(0, instant));
}

/** Removes what Postgres cannot store in a text. */
function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

/** Lists letters in the order in which they arrived, after the given position. */
export async function listLetters(
  db: Database,
  namespace: string,
  after: number,
  limit: number,
): Promise<DeadLetter[]> {
  const rows = await db
    .select()
    .from(deadLetters)
    .where(and(eq(deadLetters.namespace, namespace), gt(deadLetters.position, after)))
    .orderBy(asc(deadLetters.position))
    .limit(limit);
  return rows.map(toLetter);
}

export async function findLetter(
  db: Database,
  namespace: string,
  id: string,
): Promise<DeadLetter | undefined> {
  const rows = await db.select().from(deadLetters).where(isLetter(namespace, id));
  return rows.map(toLetter)[0];
}

/** Notes that letters are sent again, and returns them. Without `ids` the oldest that were not. */
export async function takeForReplay(
  db: Database,
  namespace: string,
  choice: { readonly id: string } | { readonly limit: number },
): Promise<DeadLetter[]> {
  const waiting = and(eq(deadLetters.namespace, namespace), isNull(deadLetters.replayedAt));
  const chosen =
    "id" in choice
      ? isLetter(namespace, choice.id)
      : and(
          eq(deadLetters.namespace, namespace),
          inArray(
            deadLetters.id,
            db
              .select({ id: deadLetters.id })
              .from(deadLetters)
              .where(waiting)
              .orderBy(asc(deadLetters.position))
              .limit(choice.limit),
          ),
        );
  const rows = await db
    .update(deadLetters)
    .set({ replayedAt: sql`now()` })
    .where(chosen)
    .returning();
  return rows.map(toLetter).toSorted((a, b) => a.position - b.position);
}

/** Notes that letters were not sent again after all. */
export async function returnLetters(
  db: Database,
  namespace: string,
  ids: readonly string[],
): Promise<void> {
  await db
    .update(deadLetters)
    .set({ replayedAt: null })
    .where(and(eq(deadLetters.namespace, namespace), inArray(deadLetters.id, [...ids])));
}

/**
 * Deletes a letter. Its message may be in the queue again, so an id that was kept for the letter
 * begins its time anew. Returns whether there was a letter.
 */
export async function deleteLetter(db: Database, namespace: string, id: string): Promise<boolean> {
  const [, rows] = await db.batch([
    db
      .update(processedMessages)
      .set({ processedAt: sql`now()` })
      .where(and(eq(processedMessages.namespace, namespace), eq(processedMessages.id, id))),
    db.delete(deadLetters).where(isLetter(namespace, id)).returning({ id: deadLetters.id }),
  ]);
  return rows.length > 0;
}

/** The number of dead letters. */
export interface LetterCounts {
  /** All of them. */
  readonly total: number;
  /** Those that were not sent again. */
  readonly waiting: number;
}

export async function countLetters(db: Database, namespace: string): Promise<LetterCounts> {
  const [row] = await db
    .select({
      total: sql<number>`count(*)`.mapWith(Number),
      waiting: sql<number>`count(*) filter (where ${deadLetters.replayedAt} is null)`.mapWith(
        Number,
      ),
    })
    .from(deadLetters)
    .where(eq(deadLetters.namespace, namespace));
  return row ?? { total: 0, waiting: 0 };
}

function isLetter(namespace: string, id: string) {
  return and(eq(deadLetters.namespace, namespace), eq(deadLetters.id, id));
}

function toLetter(row: typeof deadLetters.$inferSelect): DeadLetter {
  return {
    id: row.id,
    kind: row.kind,
    position: row.position,
    message: JSON.parse(row.message),
    error: row.error,
    attempts: row.attempts,
    firstAt: row.firstAt.getTime(),
    lastAt: row.lastAt.getTime(),
    replayedAt: row.replayedAt?.getTime(),
  };
}
