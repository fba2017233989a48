/** The tasks of the layer, in the order in which the cron trigger runs them. */
import type { Context } from "../core/context.ts";
import type { Fault } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { failureOf, type Task } from "./run-task.ts";

/** The work of each task. Each part belongs to another room. */
export interface LayerWork {
  /** Delivers the outbox. Begins no round of rows after `maxMs`. */
  readonly relay: (
    ctx: Context,
    maxMs: Millis,
  ) => Promise<{ readonly fault?: Fault; readonly hasMore: boolean }>;
  readonly trim: (ctx: Context) => Promise<Result<unknown>>;
  /** Deletes the ids of messages and requests that are past their time. Never rejects. */
  readonly trimIds: (ctx: Context) => Promise<void>;
  /** Delivers live events that wait. Begins no topics after `endsAt`. */
  readonly deliverWaiting: (
    endsAt: EpochMs,
    ctx: Context,
  ) => Promise<{ readonly fault?: Fault; readonly hasMore: boolean }>;
  /** Builds existence filters from the kind `from` on. Begins none after `endsAt`. */
  readonly buildFilters: (
    from: string | undefined,
    endsAt: EpochMs,
    ctx: Context,
  ) => Promise<{
    readonly results: ReadonlyMap<string, Result<unknown>>;
    readonly next: string | undefined;
  }>;
  /** Asks the Redis server for its figures and reports them. Undefined without telemetry. */
  readonly reportRedis: (() => Promise<Result<unknown>>) | undefined;
}

const RELAY_MS: Millis = 8_000;
/** One script, whose request has a deadline. */
const TRIM_MS: Millis = 1_000;
const LIVE_MS: Millis = 2_000;
const FILTERS_MS: Millis = 8_000;
const FIGURES_MS: Millis = 1_000;

export function layerTasks(work: LayerWork): readonly Task[] {
  const { relay, trim, trimIds, deliverWaiting, buildFilters, reportRedis } = work;
  const tasks: readonly Task[] = [
    {
      // Two relays claim different rows of the outbox in SQL. A lease would be worse: after a run that
      // was ended early, invalidations would wait for the lease, and they would depend on a key in Redis.
      name: "relay",
      exclusion: "own",
      everyMs: 0,
      budgetMs: RELAY_MS,
      async run(_cursor, { ctx, endsAt }) {
        const { fault, hasMore } = await relay(ctx, endsAt - ctx.now());
        if (fault !== undefined) return { failure: failureOf(fault) };
        return { cursor: hasMore ? "more" : undefined };
      },
    },
    {
      // Redis runs one script at a time, and a second trim finds nothing to remove.
      name: "trim",
      exclusion: "own",
      everyMs: 0,
      budgetMs: TRIM_MS,
      async run(_cursor, { ctx }) {
        const trimmed = await trim(ctx);
        return trimmed.ok ? {} : { failure: failureOf(trimmed.fault) };
      },
    },
    {
      // Two deletions find different rows, or none.
      name: "trim-ids",
      exclusion: "own",
      everyMs: 0,
      budgetMs: TRIM_MS,
      async run(_cursor, { ctx }) {
        await trimIds(ctx);
        return {};
      },
    },
    {
      // An object takes an event that is delivered twice once.
      name: "live-events",
      exclusion: "own",
      everyMs: 0,
      budgetMs: LIVE_MS,
      async run(_cursor, { ctx, endsAt }) {
        const { fault, hasMore } = await deliverWaiting(endsAt, ctx);
        if (fault !== undefined) return { failure: failureOf(fault) };
        return { cursor: hasMore ? "more" : undefined };
      },
    },
    {
      name: "filters",
      exclusion: "lease",
      everyMs: 0,
      budgetMs: FILTERS_MS,
      async run(cursor, { ctx, endsAt }) {
        const { results, next } = await buildFilters(cursor, endsAt, ctx);
        const faults = [...results].flatMap(([kind, result]) =>
          result.ok ? [] : [`${kind}: ${failureOf(result.fault)}`],
        );
        return {
          cursor: next,
          ...(faults.length > 0 && { failure: faults.join("; ") }),
        };
      },
    },
  ];
  return reportRedis === undefined ? tasks : [...tasks, figuresTask(reportRedis)];
}

function figuresTask(reportRedis: () => Promise<Result<unknown>>): Task {
  return {
    name: "redis-figures",
    // Of two runs, the newer figures replace the older ones. A lease would cost six commands, and INFO is one.
    exclusion: "own",
    everyMs: 0,
    budgetMs: FIGURES_MS,
    async run() {
      const reported = await reportRedis();
      return reported.ok ? {} : { failure: failureOf(reported.fault) };
    },
  };
}
