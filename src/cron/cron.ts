/** The work of the cron trigger: runs the tasks of the layer, and then those of the application. */
import { toMillis } from "../core/duration.ts";
import type { Context } from "../core/context.ts";
import type { DataReader } from "../core/data-reader.ts";
import type { WithTimeout } from "../core/deadline.ts";
import type { EventOf } from "../core/events.ts";
import { DefinitionError } from "../core/faults.ts";
import type { NewId } from "../core/random.ts";
import type { Cron, CronTask, LeaseStore } from "../core/task.ts";
import type { Millis } from "../core/time.ts";
import { runTask, type StepResult, type Task } from "./run-task.ts";

export interface CronOptions {
  /** The tasks of the layer, the most important one first. */
  readonly tasks: readonly Task[];
  readonly leases: LeaseStore;
  readonly readerOf: (ctx: Context) => DataReader;
  readonly newId: NewId;
  readonly withTimeout: WithTimeout;
  /** Called after each task with its outcome. */
  readonly report: (end: EventOf<"task.end">, ctx: Context) => void;
}

export interface RunnableCron extends Cron {
  /** Runs every task once, one after the other. Never rejects. */
  run(ctx: Context): Promise<void>;
}

/** Steps begin within this time. With the last step, a run ends within 28 s: the platform gives background work 30 s. */
const RUN_MS: Millis = 20_000;
const DEFAULT_BUDGET_MS: Millis = 5_000;
const MIN_BUDGET_MS: Millis = 100;
const MAX_BUDGET_MS: Millis = 20_000;
const MAX_EVERY_MS: Millis = 7 * 86_400_000;
const MAX_CURSOR_CHARS = 1_000;
const NAME = /^[a-z0-9-]{1,40}$/;

export function createCron(options: CronOptions): RunnableCron {
  const { leases, readerOf, newId, withTimeout, report } = options;
  const tasks = [...options.tasks];

  return {
    define(task) {
      if (tasks.some(({ name }) => name === task.name))
        throw new DefinitionError("name", `there is a task "${task.name}"`);
      tasks.push(taskOf(task, readerOf));
    },

    async run(ctx) {
      const token = newId();
      const endsAt = ctx.now() + RUN_MS;
      for (const task of tasks) {
        const startedAt = ctx.now();
        const { outcome, detail } = await runTask(task, {
          leases,
          token,
          withTimeout,
          endsAt,
          ctx,
        });
        const ms = ctx.now() - startedAt;
        report({ type: "task.end", task: task.name, outcome, ms, detail }, ctx);
      }
    },
  };
}

function taskOf(
  { name, every = 0, budget = DEFAULT_BUDGET_MS, run }: CronTask,
  readerOf: (ctx: Context) => DataReader,
): Task {
  if (!NAME.test(name))
    throw new DefinitionError("name", "must be 1 to 40 lower-case letters, digits and dashes");
  const everyMs = within(toMillis(every, "every"), "every", 0, MAX_EVERY_MS);
  const budgetMs = within(toMillis(budget, "budget"), "budget", MIN_BUDGET_MS, MAX_BUDGET_MS);
  return {
    name,
    exclusion: "lease",
    everyMs,
    budgetMs,
    async run(cursor, { ctx, signal }): Promise<StepResult> {
      const next = await run(cursor, { cache: readerOf(ctx), ctx, signal });
      if (next === undefined) return {};
      if (typeof next !== "string" || next === "" || next.length > MAX_CURSOR_CHARS)
        return { failure: `a cursor must be a text of 1 to ${MAX_CURSOR_CHARS} characters` };
      if (next === cursor) return { failure: "a step returned the cursor that it was given" };
      return { cursor: next };
    },
  };
}

function within(ms: Millis, field: string, min: Millis, max: Millis): Millis {
  if (ms < min || ms > max) throw new DefinitionError(field, `must be from ${min} to ${max} ms`);
  return Math.round(ms);
}
