import type { Context } from "./context.ts";
import { isDeadlineExceeded } from "./deadline.ts";
import type { Step } from "./events.ts";
import type { Result } from "./result.ts";

/** Runs a call and reports its duration and outcome as one step of the request. */
export function timeStep<T>(
  ctx: Context,
  step: Step,
  call: () => Promise<Result<T>>,
  outcomeOf: (result: Result<T>) => string = (result) => (result.ok ? "ok" : result.fault.code),
): Promise<Result<T>> {
  return timeWait(ctx, step, call, outcomeOf);
}

/** Waits for work and reports the duration of the wait as one step of the request. The work may be shared. */
export async function timeWait<T>(
  ctx: Context,
  step: Step,
  work: () => Promise<T>,
  outcomeOf: (result: T) => string = () => "ok",
): Promise<T> {
  const startedAt = ctx.now();
  let outcome = "failed";
  try {
    const result = await work();
    outcome = outcomeOf(result);
    return result;
  } catch (error) {
    if (isDeadlineExceeded(error)) outcome = "timeout";
    throw error;
  } finally {
    ctx.emit({ type: "step.end", step, startedAt, ms: ctx.now() - startedAt, outcome });
  }
}
