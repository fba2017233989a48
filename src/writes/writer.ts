import { CacheUnavailable, originFaultOf } from "../core/faults.ts";
import type { Context, Invalidation, Invalidator, Result } from "../core/ports.ts";
import { membersOfPurge, tagMember, type Member, type PurgeTargets } from "../core/tag.ts";
import { commit, type Committed, type Mutation } from "./mutate.ts";
import { isRejection, WriteUnconfirmed } from "./unconfirmed.ts";
import { deleteRows, insertMembers, noteNumber, type Database, type Waits } from "./outbox.ts";
import { relay, type RelayReport } from "./relay.ts";
import type { WriteThrough } from "./through.ts";

/** `deferred`: every reader will learn of it, but not before Redis is back. */
export type InvalidationState = "done" | "deferred";

export interface Written<T> {
  /** Undefined if no row was matched. */
  readonly value: T | undefined;
  readonly invalidation: InvalidationState;
}

export interface Writer {
  /**
   * Changes rows, and makes everything invalid that was made from them.
   *
   * @throws what the database threw, if it answered that nothing was changed
   * @throws {WriteUnconfirmed} if it is unknown whether the change was made
   * @example
   * await writer.mutate({
   *   statements: [db.update(products).set({ stock }).where(eq(products.id, 42)).returning()],
   *   tags: ["product:42"],
   * }, ctx);
   */
  mutate<T>(mutation: Mutation<T>, ctx: Context): Promise<Written<T>>;
  /**
   * Invalidates what the targets name.
   *
   * @throws {DefinitionError} if a target cannot be purged
   * @throws {CacheUnavailable} if neither the log nor the outbox could take it
   */
  purge(targets: PurgeTargets, ctx: Context): Promise<InvalidationState>;
  /** Finishes what writes have left; for the cron trigger. Never rejects. */
  relay(ctx: Context): Promise<RelayReport>;
}

export interface WriterOptions extends Partial<Waits> {
  readonly db: Database;
  readonly invalidator: Invalidator;
  /** Makes entries of what is written; without it `through` of a mutation has no effect. */
  readonly through?: WriteThrough;
}

/** Longer than a replica lags: a fail-over that loses an invalidation has happened by then. */
const VERIFY_AFTER_MS = 5_000;

export function createWriter(options: WriterOptions): Writer {
  const { db, invalidator, originLagMs = 0, verifyAfterMs = VERIFY_AFTER_MS } = options;
  /** This isolate has left rows behind; its next success is the sign to go and get them. */
  let backlog = false;

  async function runRelay(ctx: Context): Promise<RelayReport> {
    backlog = false;
    const report = await relay({ db, invalidator, originLagMs, verifyAfterMs }, ctx);
    backlog ||= report.fault !== undefined;
    return report;
  }

  async function invalidate(
    members: readonly Member[],
    ctx: Context,
  ): Promise<Result<Invalidation>> {
    const result = await invalidator.invalidate(members, ctx);
    const outcome = result.ok ? "done" : "deferred";
    ctx.emit({ type: "invalidation.end", members: members.length, outcome });
    return result;
  }

  /** What becomes of rows of the outbox once their members have, or have not, a number. */
  function conclude(
    ids: readonly number[],
    result: Result<Invalidation>,
    ctx: Context,
  ): InvalidationState {
    if (!result.ok) {
      backlog = true;
      return "deferred";
    }
    if (ids.length > 0)
      inBackground(noteNumber(db, ids, result.value.seq, { settled: originLagMs === 0 }), ctx);
    if (backlog) ctx.defer(runRelay(ctx));
    return "done";
  }

  async function mutate<T>(mutation: Mutation<T>, ctx: Context): Promise<Written<T>> {
    const before = options.through?.moment();
    const { value, ids, members } = await confirmed(mutation, ctx);
    if (value === undefined) {
      if (ids.length > 0) inBackground(deleteRows(db, ids), ctx);
      return { value, invalidation: "done" };
    }
    invalidator.markDead(members);
    const result = await invalidate(members, ctx);
    if (result.ok && before !== undefined && mutation.through !== undefined)
      await options.through?.put(mutation.through(value), before, result.value, ctx);
    return { value, invalidation: conclude(ids, result, ctx) };
  }

  /** A commit whose answer did not come may still happen: readers must not miss it. */
  async function confirmed<T>(mutation: Mutation<T>, ctx: Context): Promise<Committed<T>> {
    const startedAt = ctx.now();
    const end = (outcome: string) =>
      ctx.emit({ type: "step.end", step: "sql", ms: ctx.now() - startedAt, outcome });
    try {
      const committed = await commit(db, mutation);
      end("ok");
      return committed;
    } catch (error) {
      const cause = originFaultOf(error);
      end(cause.code);
      if (isRejection(cause)) throw error;
      const members = mutation.tags.map(tagMember);
      invalidator.markDead(members);
      await invalidate(members, ctx);
      // Tags that only the database knows are in the outbox, if there are any.
      ctx.defer(runRelay(ctx).then(() => (backlog = true)));
      throw new WriteUnconfirmed(cause);
    }
  }

  async function purge(targets: PurgeTargets, ctx: Context): Promise<InvalidationState> {
    const members = membersOfPurge(targets);
    if (members.length === 0) return "done";
    invalidator.markDead(members);
    // Nothing is committed that the log would have to wait for: both at once.
    const [ids, result] = await Promise.all([
      insertMembers(db, members).then(
        ({ rows }) => rows.map((row) => Number(row.id)),
        (error: unknown) => {
          ctx.emit({ type: "fault.raise", fault: originFaultOf(error) });
          return [];
        },
      ),
      invalidate(members, ctx),
    ]);
    if (!result.ok && ids.length === 0) throw new CacheUnavailable(result.fault);
    return conclude(ids, result, ctx);
  }

  return { mutate, purge, relay: runRelay };
}

/** Work that the relay does again should it fail. */
function inBackground(work: Promise<unknown>, ctx: Context): void {
  ctx.defer(
    work.catch((error: unknown) => ctx.emit({ type: "fault.raise", fault: originFaultOf(error) })),
  );
}
