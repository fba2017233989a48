import type { Context } from "./context.ts";
import type { Step } from "./events.ts";
import type { Result } from "./result.ts";

/** Runs a call and reports its duration and outcome as one step of the request. */
export async function timeStep<T>(
  ctx: Context,
  step: Step,
  call: () => Promise<Result<T>>,
  outcomeOf: (result: Result<T>) => string = (result) => (result.ok ? "ok" : result.fault.code),
): Promise<Result<T>> {
  const startedAt = ctx.now();
  const result = await call();
  const ms = ctx.now() - startedAt;
  ctx.emit({ type: "step.end", step, startedAt, ms, outcome: outcomeOf(result) });
  return result;
}
