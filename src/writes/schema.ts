/** The table of the writes: what has changed and may not have been invalidated yet. */
import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/**
 * One row for each side, before and after, of each change that a cache must learn of,
 * committed with the change. A row lives until the log is known to have it:
 *
 *     number null             committed, not invalidated as far as anybody noted
 *     number set              invalidated under that number
 *     settled                 … and late enough for an origin that lags by `lag_ms`
 *     (deleted)               … and found in the log some time later
 */
export const outbox = pgTable(
  "outbox",
  {
    id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    /** Whose log the members are of: one database may serve several. The default is of rows older than the column. */
    namespace: text("namespace").notNull().default("strata"),
    /** Typed members of the invalidation log, such as `t:product:42`. */
    members: text("members").array().notNull(),
    /** The number under which the log has the members. */
    number: bigint("number", { mode: "number" }),
    /** When the number was noted. */
    invalidatedAt: timestamp("invalidated_at", { withTimezone: true }),
    /** How far the origin's reads may lag behind this change: then it is invalidated once more. */
    lagMs: integer("lag_ms").notNull().default(0),
    settled: boolean("settled").notNull().default(false),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    // What the relay looks for first; empty but for outages.
    index("outbox_open_index")
      .on(table.namespace, table.id)
      .where(sql`${table.number} is null`),
  ],
);
