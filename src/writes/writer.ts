import {
  CacheUnavailable,
  DefinitionError,
  originFaultOf,
  type FaultCode,
} from "../core/faults.ts";
import { toMillis, type Duration } from "../core/duration.ts";
import { MAX_LIFETIME_MS } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { Invalidation, Invalidator } from "../core/invalidator.ts";
import type { RelayAlarm } from "../core/relay-alarm.ts";
import type { Result } from "../core/result.ts";
import {
  logKeysOfPurge,
  invalidationKeyOfTag,
  UNCONFIRMED,
  type AnyTargets,
  type LogKey,
} from "../core/invalidation-key.ts";
import type { Millis } from "../core/time.ts";
import { commit, type Committed, type Mutation } from "./mutate.ts";
import { changedNothing, WriteUnconfirmed } from "./unconfirmed.ts";
import { deleteRows, insertLogKeys, noteNumber, type Database, type Heading } from "./outbox.ts";
import type { DeliveryState, EventDelivery } from "./event-delivery.ts";
import { deferredAfter, relay, type RelayReport } from "./relay.ts";
import type { Mark } from "../core/log-marks.ts";
import type { Seq } from "../core/seq.ts";
import type { TakeWriteSlot } from "./write-slot.ts";
import { entryToStore } from "./entry-to-store.ts";
import type { WriteThrough } from "./through.ts";

/**
 * `done`: the log has the invalidation. `deferred`: Redis did not answer, and the relay will
 * deliver the invalidation.
 */
export type InvalidationState = "done" | "deferred";

/** The result of `writer.mutate`. */
export interface Written<T> {
  /** Undefined if the change matched no row. */
  readonly value: T | undefined;
  /** `deferred` if Redis did not answer; the relay then delivers the invalidation. */
  readonly invalidation: InvalidationState;
  /**
   * `deferred` if the object of a topic did not confirm its live events; the cron trigger then delivers
   * them. Undefined if the change has none.
   */
  readonly liveEvents?: DeliveryState;
}

/** Writes rows and purges entries. A failure may delay an invalidation, but does not lose it. */
export interface Writer {
  /**
   * Commits a change and invalidates the entries that were made from the changed rows.
   *
   * @throws the database's error, if it answered that it changed nothing, or that nothing was
   * sent (`origin.open`): its breaker is open, or the level of service is minimal
   * @throws {CacheUnavailable} if the write got no origin slot in time. Nothing was sent.
   * @throws {WriteUnconfirmed} if the change may or may not have been made
   * @example
   * await strata.writer.mutate(
   *   {
   *     statements: [db.update(products).set({ stock: 7 }).where(eq(products.id, 42)).returning()],
   *     tags: ["product:42"],
   *   },
   *   c.var.strata.ctx,
   * );
   */
  mutate<T>(mutation: Mutation<T>, ctx: Context): Promise<Written<T>>;
  /**
   * Invalidates tags, keys, prefixes or the whole namespace. `strata.admin.erase` also removes the bytes.
   *
   * @throws {DefinitionError} if a target is invalid
   * @throws {CacheUnavailable} if neither the log nor the outbox accepted it
   */
  purge(targets: AnyTargets, ctx: Context): Promise<InvalidationState>;
  /**
   * Delivers the rows of the outbox to the log. Never rejects. It begins no round of rows after
   * `maxMs` milliseconds, 20 s by default.
   */
  relay(ctx: Context, maxMs?: Millis): Promise<RelayReport>;
}

export interface WriterOptions {
  readonly db: Database;
  readonly invalidator: Invalidator;
  /**
   * The relay's way to the log. The relay unites hundreds of rows itself, so it needs no group, and
   * it must not depend on an object. Default: `invalidator`.
   */
  readonly relayInvalidator?: Pick<Invalidator, "invalidate" | "numbers">;
  /** The namespace of the log and of the rows that the relay handles. */
  readonly namespace: string;
  /**
   * The milliseconds by which the origin's reads may lag behind its writes, for mutations that do
   * not set `originLag`. Default 0.
   */
  readonly originLagMs?: Millis;
  /** The milliseconds after an invalidation at which the relay verifies that the log still has it. */
  readonly verifyAfterMs: Millis;
  /** Runs the relay when a row needs its second invalidation. Without an alarm such rows wait for the cron trigger. */
  readonly alarm?: RelayAlarm;
  /** Called before a mutation begins. It throws if writes are refused at the moment. */
  readonly admit?: (ctx: Context) => Promise<void>;
  /** Takes the slot of a mutation. */
  readonly takeSlot: TakeWriteSlot;
  /** Stores written values as entries. If it is absent, `through` of a mutation has no effect. */
  readonly through?: WriteThrough;
  /** Delivers live events. If it is absent, `liveEvents` of a mutation has no effect. */
  readonly delivery?: Pick<EventDelivery, "deliver">;
}

export function createWriter(options: WriterOptions): Writer {
  const { db, invalidator, namespace, originLagMs = 0, verifyAfterMs, alarm, takeSlot } = options;
  const { relayInvalidator = invalidator, delivery } = options;
  /**
   * True if this isolate has deferred invalidations. Its next invalidation that succeeds shows that
   * Redis answers again, and runs the relay.
   */
  let backlog = false;
  /** At most 1,000 marks of unconfirmed writes whose invalidation failed. Others end with the answers of the log. */
  const unconfirmed = new Set<Mark>();

  async function runRelay(ctx: Context, maxMs?: Millis): Promise<RelayReport> {
    backlog = false;
    const marks = [...unconfirmed];
    const report = await relay(
      {
        db,
        invalidator: relayInvalidator,
        namespace,
        verifyAfterMs,
        ...(maxMs !== undefined && { maxMs }),
      },
      ctx,
    );
    backlog ||= report.fault !== undefined;
    if (report.fault === undefined && !report.hasMore) settle(marks);
    const deferred = await deferredAfter(report, db, namespace);
    if (deferred !== undefined) ctx.emit({ type: "relay.end", deferred });
    if (report.nextInMs !== undefined) wake(report.nextInMs, ctx);
    return report;
  }

  /**
   * Ends the marks of unconfirmed writes after a run of the relay. If the change was committed, its
   * row was in the outbox before the run, and the log has its number now.
   */
  function settle(marks: readonly Mark[]): void {
    for (const mark of marks) {
      unconfirmed.delete(mark);
      invalidator.unmark(mark);
    }
  }

  /** Sets the alarm. If that fails, the cron trigger runs the relay later. */
  function wake(inMs: Millis, ctx: Context): void {
    if (alarm !== undefined) ctx.defer(alarm.wake(inMs));
  }

  /** Records the number, and sets the alarm after that, because the relay selects only rows that have a number. */
  async function recordNumber(
    ids: readonly number[],
    seq: Seq,
    lagMs: Millis,
    ctx: Context,
  ): Promise<void> {
    await noteNumber(db, ids, seq, { settled: lagMs === 0 });
    if (lagMs > 0) wake(lagMs, ctx);
  }

  async function invalidate(
    logKeys: readonly LogKey[],
    ctx: Context,
    watched: readonly LogKey[] = [],
  ): Promise<Result<Invalidation>> {
    const result = await invalidator.invalidate(logKeys, ctx, watched);
    const outcome = result.ok ? "done" : "deferred";
    ctx.emit({ type: "invalidation.end", logKeys: logKeys.length, outcome });
    return result;
  }

  /** Updates rows of the outbox in the background, after their invalidation succeeded or failed. */
  function finish(
    ids: readonly number[],
    lagMs: Millis,
    result: Result<Invalidation>,
    ctx: Context,
  ): InvalidationState {
    if (!result.ok) {
      backlog = true;
      return "deferred";
    }
    if (ids.length > 0) inBackground(recordNumber(ids, result.value.seq, lagMs, ctx), ctx);
    if (backlog) ctx.defer(runRelay(ctx));
    return "done";
  }

  async function mutate<T>(mutation: Mutation<T>, ctx: Context): Promise<Written<T>> {
    await options.admit?.(ctx);
    const before = options.through?.logPosition();
    const heading = { namespace, lagMs: lagOf(mutation.originLag ?? originLagMs) };
    const releaseSlot = await takeSlot(ctx);
    const { value, ids, logKeys, events } = await commitOrInvalidate(
      mutation,
      heading,
      releaseSlot,
      ctx,
    );
    if (value === undefined) {
      if (ids.length > 0) inBackground(deleteRows(db, ids), ctx);
      return { value, invalidation: "done" };
    }
    invalidator.markInvalidated(logKeys);
    const { entry, watched, error } = entryToStore(mutation, value);
    const delivered = events.length > 0 ? delivery?.deliver(events, ctx) : undefined;
    const result = await invalidate(logKeys, ctx, watched);
    const invalidation = finish(ids, heading.lagMs, result, ctx);
    const liveEvents = await delivered;
    if (error !== undefined) throw error;
    if (result.ok && before !== undefined && entry !== undefined)
      await options.through?.put(entry, before, result.value, ctx);
    return { value, invalidation, ...(liveEvents && { liveEvents }) };
  }

  /**
   * Commits the change. A commit that was not confirmed may have happened, so its tags are invalidated
   * as unconfirmed. If it has happened, the relay finds its outbox rows and invalidates them hard.
   */
  async function commitOrInvalidate<T>(
    mutation: Mutation<T>,
    heading: Heading,
    releaseSlot: (ended: "ok" | FaultCode) => void,
    ctx: Context,
  ): Promise<Committed<T>> {
    const startedAt = ctx.now();
    const end = (outcome: "ok" | FaultCode) => {
      releaseSlot(outcome);
      ctx.emit({ type: "step.end", step: "sql", startedAt, ms: ctx.now() - startedAt, outcome });
    };
    try {
      const committed = await commit(db, heading, mutation, { hasTopics: !!delivery });
      end("ok");
      return committed;
    } catch (error) {
      const cause = originFaultOf(error);
      end(cause.code);
      if (changedNothing(cause)) throw error;
      const logKeys = mutation.tags.map(
        (tag): LogKey => `${UNCONFIRMED}${invalidationKeyOfTag(tag)}`,
      );
      const mark = invalidator.markInvalidated(logKeys);
      const result = await invalidate(logKeys, ctx);
      if (!result.ok && unconfirmed.size < 1_000) unconfirmed.add(mark);
      // If the commit happened, the outbox has the tags of `tagQuery`, and the relay finds them there.
      ctx.defer(runRelay(ctx).then(() => (backlog = true)));
      throw new WriteUnconfirmed(cause);
    }
  }

  async function purge(targets: AnyTargets, ctx: Context): Promise<InvalidationState> {
    const logKeys = logKeysOfPurge(targets);
    if (logKeys.length === 0) return "done";
    const mark = invalidator.markInvalidated(logKeys);
    // A purge commits no change for which the log would have to wait.
    const [ids, result] = await Promise.all([
      insertLogKeys(db, { namespace, lagMs: originLagMs }, logKeys).then(
        ({ rows }) => rows.map((row) => Number(row.id)),
        (error: unknown) => {
          ctx.emit({ type: "fault.raise", fault: originFaultOf(error) });
          return [];
        },
      ),
      invalidate(logKeys, ctx),
    ]);
    if (!result.ok && ids.length === 0) {
      invalidator.unmark(mark);
      throw new CacheUnavailable(result.fault);
    }
    return finish(ids, originLagMs, result, ctx);
  }

  return { mutate, purge, relay: runRelay };
}

/** The lag in milliseconds. @throws {DefinitionError} if it is no duration or longer than 7 days, the longest lifetime. */
function lagOf(originLag: Duration): Millis {
  const lagMs = Math.ceil(toMillis(originLag, "originLag"));
  if (lagMs > MAX_LIFETIME_MS) throw new DefinitionError("originLag", "must be at most 7 days");
  return lagMs;
}

/** Runs the work after the response. If it fails, the relay repeats it. */
function inBackground(work: Promise<unknown>, ctx: Context): void {
  ctx.defer(
    work.catch((error: unknown) => ctx.emit({ type: "fault.raise", fault: originFaultOf(error) })),
  );
}
