/** One run of one task: takes the lease, does step after step, and stores the cursor. */
import type { WithTimeout } from "../core/deadline.ts";
import type { Context } from "../core/context.ts";
import { messageOf, type Fault } from "../core/faults.ts";
import type { TaskOutcome } from "../core/service-events.ts";
import type { LeaseStore } from "../core/task.ts";
import type { EpochMs, Millis } from "../core/time.ts";

/** The arguments of one step. */
export interface StepContext {
  readonly ctx: Context;
  readonly signal: AbortSignal;
  /** No step begins after this instant. A step that does several things begins no further one. */
  readonly endsAt: EpochMs;
}

export interface StepResult {
  /** Where the next step goes on; undefined if the work is finished. */
  readonly cursor?: string | undefined;
  /** Says why the step has failed. It ends the run. The next run goes on at the cursor, or repeats the step. */
  readonly failure?: string;
}

export interface Task {
  readonly name: string;
  /**
   * `lease`: one run at a time over all isolates, by a lease in Redis. `own`: the task itself makes
   * sure that two runs do nothing twice, so that it does not depend on a lease.
   */
  readonly exclusion: "lease" | "own";
  /** The time between two starts; 0 for every run of the cron trigger. */
  readonly everyMs: Millis;
  /** Steps begin within this time. */
  readonly budgetMs: Millis;
  run(cursor: string | undefined, step: StepContext): Promise<StepResult>;
}

export interface TaskReport {
  readonly outcome: TaskOutcome;
  /** Says why the task was skipped or has failed. */
  readonly detail?: string;
}

export interface TaskRun {
  readonly leases: LeaseStore;
  /** The name of this run. No other run has it. */
  readonly token: string;
  readonly withTimeout: WithTimeout;
  /** No task begins a step after this instant. */
  readonly endsAt: EpochMs;
  readonly ctx: Context;
}

/** A run waits for the step that runs at the end of its time for this long. */
export const LAST_STEP_MS: Millis = 8_000;
/** A lease outlives the last step by this time. */
const LEASE_SLACK_MS: Millis = 2_000;
/** A run does at most this many steps. The platform limits the requests of an invocation. */
const MAX_STEPS = 50;
/** A pause is shorter by this part, because the cron trigger comes some seconds early or late. */
const EARLY_PART = 0.05;

/** The exclusion of a task that has its own: every run may work, and no cursor is kept. */
const NO_LEASES: LeaseStore = {
  take: async () => ({ ok: true, value: { state: "taken", cursor: undefined } }),
  saveCursor: async () => ({ ok: true, value: true }),
  release: async () => ({ ok: true, value: true }),
};

const LOST: TaskReport = { outcome: "failed", detail: "another run took the lease" };

/**
 * Runs a task. Never rejects. A lease that is not released ends by itself, so that a run that was
 * ended early stops the task for the rest of its lease at most.
 */
export async function runTask(task: Task, run: TaskRun): Promise<TaskReport> {
  const { token, ctx } = run;
  const leases = task.exclusion === "lease" ? run.leases : NO_LEASES;
  const startedAt = ctx.now();
  if (startedAt >= run.endsAt) return { outcome: "skipped", detail: "no time left" };
  const taken = await leases.take(task.name, token, task.budgetMs + LAST_STEP_MS + LEASE_SLACK_MS);
  if (!taken.ok) return failedBy(taken.fault);
  if (taken.value.state !== "taken") return { outcome: "skipped", detail: taken.value.state };

  const endsAt = Math.min(startedAt + task.budgetMs, run.endsAt);
  const steps = await runSteps(task, { ...run, leases, endsAt }, taken.value.cursor);
  // The step that is late may still work. Its lease keeps other runs away until it expires.
  if (steps === "late") return { outcome: "failed", detail: "a step took too long" };
  if (steps === "lost") return LOST;

  const finished = steps.outcome === "done";
  const pauseMs = Math.round(task.everyMs * (1 - EARLY_PART) - (ctx.now() - startedAt));
  const end = { finished, pauseMs: finished ? Math.max(0, pauseMs) : 0 };
  const released = await leases.release(task.name, token, end);
  if (steps.outcome === "failed") return steps;
  if (!released.ok) return failedBy(released.fault);
  return released.value ? steps : LOST;
}

async function runSteps(
  task: Task,
  { leases, token, withTimeout, endsAt, ctx }: TaskRun,
  from: string | undefined,
): Promise<TaskReport | "late" | "lost"> {
  const abort = new AbortController();
  let cursor = from;
  for (let count = 0; count < MAX_STEPS && ctx.now() < endsAt; count++) {
    const step = runStep(task, cursor, { ctx, signal: abort.signal, endsAt });
    const result = await withTimeout(step, endsAt + LAST_STEP_MS - ctx.now()).catch(
      () => undefined,
    );
    if (result === undefined) {
      abort.abort();
      return "late";
    }
    cursor = result.cursor;
    if (cursor !== undefined) {
      const saved = await leases.saveCursor(task.name, token, cursor);
      if (!saved.ok) return failedBy(saved.fault);
      if (!saved.value) return "lost";
    }
    if (result.failure !== undefined) return { outcome: "failed", detail: result.failure };
    if (cursor === undefined) return { outcome: "done" };
  }
  return { outcome: "continued" };
}

/** Never rejects, so that a rejection of the wait means that the step is late. */
async function runStep(
  task: Task,
  cursor: string | undefined,
  step: StepContext,
): Promise<StepResult> {
  try {
    return await task.run(cursor, step);
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

function failedBy(fault: Fault): TaskReport {
  return { outcome: "failed", detail: failureOf(fault) };
}

/** Writes a fault as the failure of a step. */
export function failureOf({ code, message }: Fault): string {
  return `${code}: ${message}`;
}
