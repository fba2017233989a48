import type { Breaker } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { Ledger } from "./ledger.ts";

/** Puts a ledger behind a breaker. Reports each call with its duration and the commands that Upstash bills. */
export function withLedgerBreaker(ledger: Ledger, breaker: Breaker): Ledger {
  async function run<T>(
    ctx: Context,
    operation: string,
    call: () => Promise<Result<T>>,
    commands: (value: T) => number,
  ): Promise<Result<T>> {
    // Requests wait for "limit". An operator, who calls the others, may wait for a probe.
    const defer = operation === "limit" ? ctx.defer : undefined;
    const startedAt = ctx.now();
    const result = await breaker.run(call, defer);
    ctx.emit({
      type: "redis.end",
      operation,
      command: "EVALSHA",
      commands: result.ok ? commands(result.value) : 0,
      startedAt,
      ms: ctx.now() - startedAt,
      outcome: result.ok ? "ok" : result.fault.code,
    });
    return result;
  }

  return {
    take: (take, ctx) =>
      run(
        ctx,
        "limit",
        () => ledger.take(take, ctx),
        // Upstash bills the script, TIME, MGET, and one SET for each account that changes.
        ({ admitted }) =>
          3 + take.charges.filter(({ debt }) => debt > 0 || admitted * take.cost > 0).length,
      ),
    peek: (accounts, ctx) =>
      run(
        ctx,
        "limit-info",
        () => ledger.peek(accounts, ctx),
        () => 3,
      ),
    forget: (accounts, ctx) =>
      run(
        ctx,
        "limit-reset",
        () => ledger.forget(accounts, ctx),
        () => 1,
      ),
  };
}
