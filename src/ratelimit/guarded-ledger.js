/** A ledger behind a breaker; each call is told to its request with what Upstash bills for it. */
export function withGuard(ledger, guard) {
  async function run(ctx, operation, commands, call) {
    const startedAt = ctx.now();
    const result = await guard.run(ctx.now, call);
    ctx.emit({
      type: "redis.end",
      operation,
      command: "EVALSHA",
      commands: result.ok ? commands(result.value) : 0,
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
