/** The relay of the transactional outbox: delivers its rows to the invalidation log. */
import { originFaultOf, type Fault } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import type { Millis } from "../core/time.ts";
import {
  claimDue,
  countDeferred,
  deleteSettled,
  nextInvalidation,
  noteNumber,
  releaseRows,
  type Database,
  type Due,
  type OutboxRow,
} from "./outbox.ts";

export interface RelayOptions extends Due {
  readonly db: Database;
  readonly invalidator: Pick<Invalidator, "invalidate" | "numbers">;
  /** A run begins no round after this time, so that it ends although more rows wait. Default 20 s. */
  readonly maxMs?: Millis;
}

/** The outcome of one run of the relay, in rows of the outbox. */
export interface RelayReport {
  readonly handled: number;
  /** The number of rows that were invalidated, for the first time or again after the origin's lag. */
  readonly invalidated: number;
  /** The number of rows that were invalidated again because the log had lost their number. */
  readonly lost: number;
  /** The number of rows that were found in the log and deleted. */
  readonly deleted: number;
  /**
   * The milliseconds until a row next needs its second invalidation. Undefined if no row does, or
   * if the run failed.
   */
  readonly nextInMs?: Millis;
  /** Whether rows that are due are left for the next run, because there were too many. */
  readonly hasMore: boolean;
  /** The fault that ended the run early. The next run handles the other rows. */
  readonly fault?: Fault;
}

/** The most rows of each kind in one round. A round takes one query, at most three requests to Redis and at most four updates. */
const BATCH_ROWS = 500;
const DEFAULT_MAX_MS: Millis = 20_000;

interface Run extends RelayOptions {
  readonly ctx: Context;
  readonly tally: { -readonly [K in keyof RelayReport]: RelayReport[K] };
}

/**
 * Brings the log up to date with the outbox of one namespace. It invalidates rows that have no
 * number, verifies rows that have one, and deletes the rows that the log has. Two relays may run at
 * once: each claims the rows that it handles. A row whose relay was ended is handled again, which does
 * no harm, and a row is deleted only if its number is the one that was verified.
 */
export async function relay(options: RelayOptions, ctx: Context): Promise<RelayReport> {
  const tally: Run["tally"] = { handled: 0, invalidated: 0, lost: 0, deleted: 0, hasMore: true };
  const run: Run = { ...options, ctx, tally };
  try {
    const endsAt = ctx.now() + (options.maxMs ?? DEFAULT_MAX_MS);
    while (tally.hasMore && ctx.now() < endsAt) {
      const rows = await claimDue(options.db, { ...options, limit: BATCH_ROWS });
      tally.handled += rows.length;
      const open = rows.filter((row) => !row.settled);
      const settled = rows.filter((row) => row.settled);
      const fault = (await invalidateOpen(run, open)) ?? (await verifySettled(run, settled));
      if (fault !== undefined) {
        await releaseRows(options.db, rows);
        return { ...tally, fault };
      }
      tally.hasMore = [open, settled].some(({ length }) => length >= BATCH_ROWS);
    }
    const nextInMs = await nextInvalidation(options.db, options.namespace);
    return { ...tally, ...(nextInMs !== undefined && { nextInMs }) };
  } catch (error) {
    return { ...tally, fault: originFaultOf(error) };
  }
}

/** Invalidates the rows that have no number, and those whose second invalidation is due. */
async function invalidateOpen(run: Run, open: readonly OutboxRow[]): Promise<Fault | undefined> {
  if (open.length === 0) return undefined;
  const result = await run.invalidator.invalidate(unionOf(open), run.ctx);
  if (!result.ok) return result.fault;
  run.tally.invalidated += open.length;
  const isSettled = (row: OutboxRow) => row.lagMs === 0 || row.number !== null;
  for (const settled of [true, false]) {
    const ids = open.filter((row) => isSettled(row) === settled).map((row) => row.id);
    if (ids.length > 0) await noteNumber(run.db, ids, result.value.seq, { settled });
  }
  return undefined;
}

/**
 * Deletes the rows whose log keys are in the log. A fail-over of Redis may lose numbers that it had
 * acknowledged; the rows of lost numbers are invalidated again.
 */
async function verifySettled(run: Run, settled: readonly OutboxRow[]): Promise<Fault | undefined> {
  if (settled.length === 0) return undefined;
  const { db, invalidator, tally, ctx } = run;
  const logKeys = unionOf(settled);
  const numbers = await invalidator.numbers(logKeys, ctx);
  if (!numbers.ok) return numbers.fault;
  const numberOf = new Map(logKeys.map((logKey, at) => [logKey, numbers.value[at] ?? 0]));
  const isInLog = (row: OutboxRow) =>
    row.logKeys.every((logKey) => (numberOf.get(logKey) ?? 0) >= (row.number ?? 0));

  const inLog = settled.filter(isInLog);
  if (inLog.length > 0) {
    await deleteSettled(db, inLog);
    tally.deleted += inLog.length;
  }
  const lost = settled.filter((row) => !isInLog(row));
  if (lost.length === 0) return undefined;
  const again = await invalidator.invalidate(unionOf(lost), ctx);
  if (!again.ok) return again.fault;
  tally.lost += lost.length;
  const ids = lost.map((row) => row.id);
  await noteNumber(db, ids, again.value.seq, { settled: true });
  return undefined;
}

/** Returns the number of rows whose invalidation is still deferred after a run. Undefined if the database does not tell. */
export async function deferredAfter(
  report: RelayReport,
  db: Database,
  namespace: string,
): Promise<number | undefined> {
  if (report.fault === undefined && !report.hasMore) return 0;
  return countDeferred(db, namespace).catch(() => undefined);
}

/** Returns all log keys of the rows, without repetitions. */
export function unionOf(rows: readonly { readonly logKeys: readonly LogKey[] }[]): LogKey[] {
  return [...new Set(rows.flatMap((row) => row.logKeys))];
}
