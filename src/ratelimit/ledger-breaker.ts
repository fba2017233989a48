import type { Breaker } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Ledger } from "./ledger.ts";

/** A call of a ledger that has ended. */
export interface LedgerCall {
  readonly operation: string;
  /** The commands that Upstash bills for it; 0 if it failed. */
  readonly commands: number;
  readonly startedAt: EpochMs;
  readonly ms: Millis;
  /** "ok", or the code of a fault. */
  readonly outcome: string;
}

/** Reports a call of a ledger as an event of its request. */
export type ReportCall = (call: LedgerCall, ctx: Context) => void;

/** Reports a call of the ledger in Redis. */
export const reportRedisCall: ReportCall = (call, ctx) =>
  ctx.emit({ type: "redis.end", command: "EVALSHA", ...call });

/** Reports a call of the ledger in Durable Objects. */
export const reportObjectCall: ReportCall = ({ operation, startedAt, ms, outcome }, ctx) =>
  ctx.emit({
    type: "durable.end",
    method: `StrataLedger/${operation}`,
    startedAt,
    ms,
    outcome,
    spanId: ctx.child()?.spanId ?? "",
  });

/** Reports each call of a ledger. */
export function withLedgerReport(ledger: Ledger, report: ReportCall): Ledger {
  async function run<T>(
    ctx: Context,
    operation: string,
    call: () => Promise<Result<T>>,
    commands: (value: T) => number,
  ): Promise<Result<T>> {
    const startedAt = ctx.now();
    const result = await call();
    report(
      {
        operation,
        commands: result.ok ? commands(result.value) : 0,
        startedAt,
        ms: ctx.now() - startedAt,
        outcome: result.ok ? "ok" : result.fault.code,
      },
      ctx,
    );
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

/** Puts a ledger behind one breaker. Requests wait for `take`; an operator, who calls the others, may wait for a probe. */
export function withLedgerBreaker(ledger: Ledger, breaker: Breaker): Ledger {
  return {
    take: (take, ctx) => breaker.run(() => ledger.take(take, ctx), ctx.defer),
    peek: (accounts, ctx) => breaker.run(() => ledger.peek(accounts, ctx)),
    forget: (accounts, ctx) => breaker.run(() => ledger.forget(accounts, ctx)),
  };
}
