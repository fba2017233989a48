import { CacheUnavailable, DefinitionError, originFaultOf } from "../core/faults.ts";
import { toMillis, type Duration } from "../core/duration.ts";
import { MAX_LIFETIME_MS } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Invalidation, Invalidator } from "../core/invalidator.ts";
import type { RelayAlarm } from "../core/relay-alarm.ts";
import type { Result } from "../core/result.ts";
import {
  logKeysOfPurge,
  invalidationKeyOfTag,
  type LogKey,
  type PurgeTargets,
} from "../core/invalidation-key.ts";
import type { Millis } from "../core/time.ts";
import { commit, type Committed, type Mutation } from "./mutate.ts";
import { isRejection, WriteUnconfirmed } from "./unconfirmed.ts";
import { deleteRows, insertMembers, noteNumber, type Database, type Heading } from "./outbox.ts";
import { relay, type RelayReport } from "./relay.ts";
import type { Seq } from "../core/seq.ts";
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

export interface WriterOptions {
  readonly db: Database;
  readonly invalidator: Invalidator;
  /** Whose log is invalidated; the rows of other namespaces are left to their own writers. */
  readonly namespace: string;
  /** How far the origin's reads lag behind its writes, where a mutation does not say. Default 0. */
  readonly originLagMs?: Millis;
  /** From an invalidation to the look whether the log still has it. */
  readonly verifyAfterMs: Millis;
  /** Wakes the relay for second invalidations; without it they wait for the cron trigger. */
  readonly alarm?: RelayAlarm;
  /** Makes entries of what is written; without it `through` of a mutation has no effect. */
  readonly through?: WriteThrough;
}

export function createWriter(options: WriterOptions): Writer {
  const { db, invalidator, namespace, originLagMs = 0, verifyAfterMs, alarm } = options;
  /** This isolate has left rows behind; its next success is the sign to go and get them. */
  let backlog = false;

  async function runRelay(ctx: Context): Promise<RelayReport> {
    backlog = false;
    const report = await relay({ db, invalidator, namespace, verifyAfterMs }, ctx);
    backlog ||= report.fault !== undefined;
    if (report.nextInMs !== undefined) wake(report.nextInMs, ctx);
    return report;
  }

  /** An alarm that cannot be set costs a wait for the cron trigger. */
  function wake(inMs: Millis, ctx: Context): void {
    if (alarm !== undefined) ctx.defer(alarm.wake(inMs));
  }

  /** Not before the number is noted: the relay would find nothing to wait for. */
  async function note(
    ids: readonly number[],
    seq: Seq,
    lagMs: Millis,
    ctx: Context,
  ): Promise<void> {
    await noteNumber(db, ids, seq, { settled: lagMs === 0 });
    if (lagMs > 0) wake(lagMs, ctx);
  }

  async function invalidate(
    members: readonly LogKey[],
    ctx: Context,
  ): Promise<Result<Invalidation>> {
    const result = await invalidator.invalidate(members, ctx);
    const outcome = result.ok ? "done" : "deferred";
    ctx.emit({ type: "invalidation.end", keys: members.length, outcome });
    return result;
  }

  /** What becomes of rows of the outbox once their members have, or have not, a number. */
  function conclude(
    ids: readonly number[],
    lagMs: Millis,
    result: Result<Invalidation>,
    ctx: Context,
  ): InvalidationState {
    if (!result.ok) {
      backlog = true;
      return "deferred";
    }
    if (ids.length > 0) inBackground(note(ids, result.value.seq, lagMs, ctx), ctx);
    if (backlog) ctx.defer(runRelay(ctx));
    return "done";
  }

  async function mutate<T>(mutation: Mutation<T>, ctx: Context): Promise<Written<T>> {
    const before = options.through?.moment();
    const heading = { namespace, lagMs: lagOf(mutation.originLag ?? originLagMs) };
    const { value, ids, members } = await confirmed(mutation, heading, ctx);
    if (value === undefined) {
      if (ids.length > 0) inBackground(deleteRows(db, ids), ctx);
      return { value, invalidation: "done" };
    }
    invalidator.markInvalidated(members);
    const result = await invalidate(members, ctx);
    if (result.ok && before !== undefined && mutation.through !== undefined)
      await options.through?.put(mutation.through(value), before, result.value, ctx);
    return { value, invalidation: conclude(ids, heading.lagMs, result, ctx) };
  }

  /** A commit whose answer did not come may still happen: readers must not miss it. */
  async function confirmed<T>(
    mutation: Mutation<T>,
    heading: Heading,
    ctx: Context,
  ): Promise<Committed<T>> {
    const startedAt = ctx.now();
    const end = (outcome: string) =>
      ctx.emit({ type: "step.end", step: "sql", ms: ctx.now() - startedAt, outcome });
    try {
      const committed = await commit(db, heading, mutation);
      end("ok");
      return committed;
    } catch (error) {
      const cause = originFaultOf(error);
      end(cause.code);
      if (isRejection(cause)) throw error;
      const members = mutation.tags.map(invalidationKeyOfTag);
      invalidator.markInvalidated(members);
      await invalidate(members, ctx);
      // Tags that only the database knows are in the outbox, if there are any.
      ctx.defer(runRelay(ctx).then(() => (backlog = true)));
      throw new WriteUnconfirmed(cause);
    }
  }

  async function purge(targets: PurgeTargets, ctx: Context): Promise<InvalidationState> {
    const members = logKeysOfPurge(targets);
    if (members.length === 0) return "done";
    invalidator.markInvalidated(members);
    // Nothing is committed that the log would have to wait for: both at once.
    const [ids, result] = await Promise.all([
      insertMembers(db, { namespace, lagMs: originLagMs }, members).then(
        ({ rows }) => rows.map((row) => Number(row.id)),
        (error: unknown) => {
          ctx.emit({ type: "fault.raise", fault: originFaultOf(error) });
          return [];
        },
      ),
      invalidate(members, ctx),
    ]);
    if (!result.ok && ids.length === 0) throw new CacheUnavailable(result.fault);
    return conclude(ids, originLagMs, result, ctx);
  }

  return { mutate, purge, relay: runRelay };
}

/** @throws {DefinitionError} if it is no duration, or longer than anything is cached. */
function lagOf(originLag: Duration): Millis {
  const lagMs = Math.ceil(toMillis(originLag, "originLag"));
  if (lagMs > MAX_LIFETIME_MS) throw new DefinitionError("originLag", "must be at most 7 days");
  return lagMs;
}

/** Work that the relay does again should it fail. */
function inBackground(work: Promise<unknown>, ctx: Context): void {
  ctx.defer(
    work.catch((error: unknown) => ctx.emit({ type: "fault.raise", fault: originFaultOf(error) })),
  );
}
