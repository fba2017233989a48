import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { Clock } from "../core/time.ts";
import type { Ledger } from "./ledger.ts";

/** Stops calling what does not answer: the port to a breaker. */
export interface Guard {
  run<T>(now: Clock, call: () => Promise<Result<T>>): Promise<Result<T>>;
}

/** A ledger behind a breaker; each call is told to its request with what Upstash bills for it. */
export function withGuard(ledger: Ledger, guard: Guard): Ledger {
  async function run<T>(
    ctx: Context,
    operation: string,
    commands: (value: T) => number,
    call: () => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const startedAt = ctx.now();
    const result = await guard.run(ctx.now, call);
    const ms = ctx.now() - startedAt;
    const outcome = result.ok ? "ok" : result.fault.code;
    ctx.emit({ type: "step.end", step: "limit", ms, outcome });
    ctx.emit({
      type: "redis.end",
      operation,
      command: "EVALSHA",
      commands: result.ok ? commands(result.value) : 0,
      ms,
      outcome,
    });
    return result;
  }

  return {
    take: (take, ctx) =>
      run(
        ctx,
        "limit",
        // The script, TIME, MGET, and a SET for each account that changes.
        ({ admitted }) =>
          3 + take.charges.filter(({ debt }) => debt > 0 || admitted * take.cost > 0).length,
        () => ledger.take(take, ctx),
      ),
    peek: (accounts, ctx) =>
      run(
        ctx,
        "limit-info",
        () => 3,
        () => ledger.peek(accounts, ctx),
      ),
    forget: (accounts, ctx) =>
      run(
        ctx,
        "limit-reset",
        () => 1,
        () => ledger.forget(accounts, ctx),
      ),
  };
}
