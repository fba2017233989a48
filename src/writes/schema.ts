/** The outbox: the table of invalidations that may not be in the log yet. */
import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/**
 * A change and its outbox rows are committed in one transaction. One row has the tags before the
 * change, and one has the tags after it. The relay deletes a row after it has found the row's log
 * keys in the log:
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
    /**
     * The namespace of the log, because one database may serve several. The default is for rows
     * that are older than the column.
     */
    namespace: text("namespace").notNull().default("strata"),
    /** The log keys, such as `t:product:42`. The column still has its first name, `members`. */
    logKeys: text("members").array().notNull(),
    /** The number that the log gave to the log keys. */
    number: bigint("number", { mode: "number" }),
    /** The instant at which the number was recorded. */
    invalidatedAt: timestamp("invalidated_at", { withTimezone: true }),
    /**
     * The milliseconds by which the origin's reads may lag behind this change. The row is
     * invalidated again after that time; 0 for never.
     */
    lagMs: integer("lag_ms").notNull().default(0),
    settled: boolean("settled").notNull().default(false),
    /** The relay that handles the row has it until then, so that no other one does. */
    claimedUntil: timestamp("claimed_until", { withTimezone: true }),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    // The relay selects these rows first. Except during an outage, few rows have no number.
    index("outbox_open_index")
      .on(table.namespace, table.id)
      .where(sql`${table.number} is null`),
    // Rows that wait for their second invalidation or for their verification, the longest first.
    index("outbox_due_index")
      .on(table.namespace, table.invalidatedAt)
      .where(sql`${table.number} is not null`),
  ],
);
