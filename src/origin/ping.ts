import { sql } from "drizzle-orm";
import type { Database } from "./neon.ts";

/** Asks the database for nothing. Rejects if it does not answer. */
export async function ping(db: Database): Promise<void> {
  await db.execute(sql`select 1`);
}
