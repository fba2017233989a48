/** Tells the SQL queries of reads and of writes apart, by the counts of the gateway. */
import type { Counts } from "../../dev/gateway/counts.ts";

/** The tables that only writes use: the outbox of invalidations, and the live events. */
const TABLES_OF_WRITES = ["outbox", "live_events"];

export interface Queries {
  readonly ofReads: number;
  readonly ofWrites: number;
}

/**
 * Returns the queries between two counts. A write that succeeds has one query on the products, its
 * UPDATE. All queries that are not known to be of writes count for the reads.
 */
export function queriesBetween(before: Counts, after: Counts, writes: number): Queries {
  const onTable = (table: string): number =>
    (after.sql.tables[table] ?? 0) - (before.sql.tables[table] ?? 0);
  const ofWrites = TABLES_OF_WRITES.reduce((sum, table) => sum + onTable(table), writes);
  return { ofReads: after.sql.queries - before.sql.queries - ofWrites, ofWrites };
}
