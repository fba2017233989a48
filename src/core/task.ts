/** The tasks of the cron trigger, and the port that lets one isolate at a time run a task. */
import type { Context } from "./context.ts";
import type { DataReader } from "./data-reader.ts";
import type { Duration } from "./duration.ts";
import type { Result } from "./result.ts";
import type { Millis } from "./time.ts";

/** The second argument of `CronTask.run`. */
export interface CronStep {
  /** Reads and warms values, like `c.var.strata.cache` in a request. */
  readonly cache: DataReader;
  /** The context of the run, for the functions of the layer. */
  readonly ctx: Context;
  /** The signal aborts when the run waits for this step no longer. What the step does then may run twice. */
  readonly signal: AbortSignal;
}

/** Work of an application that the cron trigger does, step by step. */
export interface CronTask {
  /** 1 to 40 lower-case letters, digits and dashes. Metrics show it. */
  readonly name: string;
  /** The time between two starts, at most 7 days. Default: every run of the cron trigger. */
  readonly every?: Duration;
  /**
   * A run begins steps within this time, from 100 ms to 20 s. Default 5 s. It waits for the last step
   * at most 8 s longer.
   */
  readonly budget?: Duration;
  /**
   * Does one step, and returns the cursor of the next step; undefined if the work is finished. The
   * cursor is a text of at most 1,000 characters. Redis keeps it, so that another isolate can go on.
   * A step must be safe to repeat: if it fails, or if its isolate ends, the next run repeats it.
   */
  run(cursor: string | undefined, step: CronStep): Promise<string | undefined>;
}

/** The tasks that the cron trigger runs besides those of the layer. */
export interface Cron {
  /**
   * Adds a task. The cron trigger runs it after the tasks of the layer, one step after the other, in
   * one isolate at a time. A run ends when the work is finished, when the time is used up, or when a
   * step fails. The next run goes on at the cursor.
   *
   * @throws {DefinitionError} if the name is invalid or taken, or a duration is
   * @example
   * import { inArray } from "drizzle-orm";
   *
   * const load: LoadMany<{ id: number }> = async (keys, { tagKey }) => {
   *   const ids = keys.map((each) => Number(each.slice("product:".length)));
   *   for (const id of ids) tagKey(key("product", id), `product:${id}`);
   *   const rows = await db.select().from(products).where(inArray(products.id, ids));
   *   return new Map(rows.map((row) => [key("product", row.id), row]));
   * };
   *
   * strata.jobs.cron.define({
   *   name: "warm-products",
   *   every: "15m",
   *   async run(cursor, { cache }) {
   *     const first = Number(cursor ?? 1);
   *     const keys = Array.from({ length: 200 }, (_, at) => key("product", first + at));
   *     for await (const { fault } of cache.warm(keys, definePolicy({ freshFor: "1h" }), load))
   *       if (fault !== undefined) throw new CacheUnavailable(fault);
   *     return first < 800 ? String(first + 200) : undefined;
   *   },
   * });
   */
  define(task: CronTask): void;
}

/** The answer to an isolate that asks for the lease of a task. */
export type Taken =
  | { readonly state: "taken"; readonly cursor: string | undefined }
  /** Another run has the lease. */
  | { readonly state: "held" }
  /** The pause after the last run has not ended. */
  | { readonly state: "early" };

/** Grants the leases of tasks, one at a time over all isolates, and keeps the cursors of tasks. */
export interface LeaseStore {
  /** Takes the lease of a task for `ttlMs` milliseconds. The token names the run that has it. */
  take(task: string, token: string, ttlMs: Millis): Promise<Result<Taken>>;
  /** Stores the cursor if the run still has the lease. Returns whether it has. */
  saveCursor(task: string, token: string, cursor: string): Promise<Result<boolean>>;
  /** Ends the lease if the run still has it. Returns whether it had. */
  release(task: string, token: string, end: LeaseEnd): Promise<Result<boolean>>;
}

export interface LeaseEnd {
  /** Nobody gets the lease for this time. */
  readonly pauseMs: Millis;
  /** Whether the cursor is deleted. */
  readonly finished: boolean;
}
