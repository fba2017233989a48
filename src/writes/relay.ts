import { originFaultOf, type Fault } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Invalidator } from "../core/invalidator.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import type { Millis } from "../core/time.ts";

import {
  deleteSettled,
  nextInvalidation,
  noteNumber,
  selectDue,
  type Database,
  type Due,
  type OutboxRow,
} from "./outbox.ts";

export interface RelayOptions extends Due {
  readonly db: Database;
  readonly invalidator: Pick<Invalidator, "invalidate" | "numbers">;
}

/** What one run of the relay found and did, in rows of the outbox. */
export interface RelayReport {
  readonly handled: number;
  /** Invalidated, for the first time or once more after the origin's lag. */
  readonly invalidated: number;
  /** Invalidated once more, because the log had lost what it had acknowledged. */
  readonly lost: number;
  /** Found in the log, and done with. */
  readonly deleted: number;
  /** In how long the next second invalidation is due; undefined if there is none, or nobody knows. */
  readonly nextInMs?: Millis;
  /** What ended the run early; what is left waits for the next one. */
  readonly fault?: Fault;
}

/** Rows of one round: one query, one script call, one or two updates. */
const BATCH_ROWS = 500;
/** Rounds of one run: a backlog is worked off, a run ends. */
const MAX_ROUNDS = 20;

type Tally = { -readonly [K in keyof RelayReport]: RelayReport[K] };

/**
 * Brings the log up to date with the outbox of one namespace: invalidates what nobody did, verifies what
 * is noted as done, and deletes exactly the rows that the log was seen to have. Safe to
 * run at any time and several at once: an invalidation may be repeated, and a row is
 * deleted only under the number that was verified.
 */
export async function relay(options: RelayOptions, ctx: Context): Promise<RelayReport> {
  const tally: Tally = { handled: 0, invalidated: 0, lost: 0, deleted: 0 };
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const rows = await selectDue(options.db, { ...options, limit: BATCH_ROWS });
      tally.handled += rows.length;
      const fault =
        (await invalidateOpen(options, rows, tally, ctx)) ??
        (await verifySettled(options, rows, tally, ctx));
      if (fault !== undefined) return { ...tally, fault };
      if (rows.length < BATCH_ROWS) break;
    }
    const nextInMs = await nextInvalidation(options.db, options.namespace);
    return { ...tally, ...(nextInMs !== undefined && { nextInMs }) };
  } catch (error) {
    return { ...tally, fault: originFaultOf(error) };
  }
}

/** Rows that the log is not known to have, or has from before the origin's lag was over. */
async function invalidateOpen(
  { db, invalidator }: RelayOptions,
  rows: readonly OutboxRow[],
  tally: Tally,
  ctx: Context,
): Promise<Fault | undefined> {
  const open = rows.filter((row) => !row.settled);
  if (open.length === 0) return undefined;
  const result = await invalidator.invalidate(unionOf(open), ctx);
  if (!result.ok) return result.fault;
  tally.invalidated += open.length;
  const { seq } = result.value;
  const isSettled = (row: OutboxRow) => row.lagMs === 0 || row.number !== null;
  for (const settled of [true, false]) {
    const ids = open.filter((row) => isSettled(row) === settled).map((row) => row.id);
    if (ids.length > 0) await noteNumber(db, ids, seq, { settled });
  }
  return undefined;
}

/** A log that failed over may lack what it had acknowledged; then it is told again. */
async function verifySettled(
  { db, invalidator }: RelayOptions,
  rows: readonly OutboxRow[],
  tally: Tally,
  ctx: Context,
): Promise<Fault | undefined> {
  const settled = rows.filter((row) => row.settled);
  if (settled.length === 0) return undefined;
  const members = unionOf(settled);
  const numbers = await invalidator.numbers(members, ctx);
  if (!numbers.ok) return numbers.fault;
  const inLog = new Map(members.map((member, at) => [member, numbers.value[at] ?? 0]));
  const isThere = (row: OutboxRow) =>
    row.members.every((member) => (inLog.get(member) ?? 0) >= (row.number ?? 0));

  const there = settled.filter(isThere);
  if (there.length > 0) {
    await deleteSettled(db, there);
    tally.deleted += there.length;
  }
  const lost = settled.filter((row) => !isThere(row));
  if (lost.length === 0) return undefined;
  const result = await invalidator.invalidate(unionOf(lost), ctx);
  if (!result.ok) return result.fault;
  tally.lost += lost.length;
  await noteNumber(
    db,
    lost.map((row) => row.id),
    result.value.seq,
    { settled: true },
  );
  return undefined;
}

export function unionOf(rows: readonly { readonly members: readonly LogKey[] }[]): LogKey[] {
  return [...new Set(rows.flatMap((row) => row.members))];
}
