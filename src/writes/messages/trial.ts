/** Tries the effect of a message without committing it. */
import { sql } from "drizzle-orm";
import { messageOf, originFaultOf } from "../../core/faults.ts";
import type { QueuedChange } from "../behind.ts";
import type { Database } from "../outbox.ts";
import { isOutage } from "./attempt.ts";
import type { Effect } from "./effect.ts";
import { isRepetition, recordIds } from "./processed.ts";

/**
 * What an attempt would do: commit the effect, find that it is committed already, or fail.
 */
export type Trial =
  | { readonly outcome: "applies" | "applied-before" }
  | { readonly outcome: "fails"; readonly error: string };

/** The error code with which the trial rolls its transaction back. No error of Postgres has it. */
const ROLLED_BACK = "DRYRN";

/**
 * Runs the statements of the effect in a transaction whose last statement fails, so that nothing is
 * committed. @throws the database's error if it does not answer
 */
export async function tryEffect(
  db: Database,
  namespace: string,
  effect: Effect,
  change: QueuedChange,
): Promise<Trial> {
  try {
    await db.batch([
      recordIds(db, namespace, [change.id]),
      ...effect.statements([change]),
      db.execute(
        sql.raw(`do $$ begin raise exception 'dry run' using errcode = '${ROLLED_BACK}'; end $$`),
      ),
    ]);
  } catch (error) {
    if (error instanceof Error && "sqlState" in error && error.sqlState === ROLLED_BACK)
      return { outcome: "applies" };
    if (isRepetition(error)) return { outcome: "applied-before" };
    if (error instanceof Error && "fault" in error) {
      const cause = originFaultOf(error);
      if (isOutage(cause)) throw error;
      return { outcome: "fails", error: `${cause.code}: ${cause.message}` };
    }
    return { outcome: "fails", error: messageOf(error) };
  }
  throw new Error("the dry run was committed");
}
