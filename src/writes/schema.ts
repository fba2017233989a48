/** The outbox: the table of invalidations that the log may not have yet. */
import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/**
 * A change and its rows are committed in one transaction: one row for the tags before the change
 * and one for the tags after it. The relay deletes a row once it has found it in the log:
 *
 *     number is null     committed; the invalidation is not known to have happened
 *     number is set      invalidated under that number
 *     settled            invalidated again after `lag_ms`, or no lag was given
 *     (deleted)          found in the log some time later
 */
export const outbox = pgTable(
  "outbox",
  {
    id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    /** The namespace of the log: one database may serve several. The default is for rows older than the column. */
    namespace: text("namespace").notNull().default("strata"),
    /** Log keys, such as `t:product:42`. The column keeps its first name. */
    logKeys: text("members").array().notNull(),
    /** The number under which the log has the log keys. */
    number: bigint("number", { mode: "number" }),
    /** When the number was recorded. */
    invalidatedAt: timestamp("invalidated_at", { withTimezone: true }),
    /** How far the origin's reads may lag behind this change. A second invalidation is due after it; 0 for none. */
    lagMs: integer("lag_ms").notNull().default(0),
    settled: boolean("settled").notNull().default(false),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    // The relay selects these rows first. Few rows have no number, except during an outage.
    index("outbox_open_index")
      .on(table.namespace, table.id)
      .where(sql`${table.number} is null`),
  ],
);
