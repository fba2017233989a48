import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore } from "../core/shared-store.ts";

/** Members that one command of a script takes; see redis/scripts.ts. */
const MEMBERS_A_COMMAND = 4_000;

/** Scripts ask for the head of the log by two commands, and for its changes by a third. */
const logCost = (since: number | undefined): number => (since === undefined ? 2 : 3);
const membersCost = (members: number): number => Math.ceil(members / MEMBERS_A_COMMAND);

/**
 * The shared store, each request told with what Upstash bills for it: a script is one command
 * and each that it calls. Renewing the log, and trimming it, may cost a few more or less than is
 * counted here; they are rare.
 */
export function withMeter(store: SharedStore): SharedStore {
  async function run<T>(
    ctx: Context,
    operation: string,
    command: string,
    call: () => Promise<Result<T>>,
    cost: (value: T | undefined) => number,
  ): Promise<Result<T>> {
    const startedAt = ctx.now();
    const result = await call();
    ctx.emit({
      type: "redis.end",
      operation,
      command,
      commands: cost(result.ok ? result.value : undefined),
      ms: ctx.now() - startedAt,
      outcome: result.ok ? "ok" : result.fault.code,
    });
    return result;
  }

  return {
    read: (keys, since, ctx) =>
      run(
        ctx,
        "read",
        "EVALSHA_RO",
        () => store.read(keys, since, ctx),
        (value) => {
          const members = new Set(
            value?.found.flatMap((found) => found?.entry.invalidationKeys ?? []),
          );
          return 2 + membersCost(2 * members.size) + logCost(since);
        },
      ),
    verify: (members, since, ctx) =>
      run(
        ctx,
        "verify",
        "EVALSHA_RO",
        () => store.verify(members, since, ctx),
        () => 1 + membersCost(2 * members.length) + logCost(since),
      ),
    sync: (since, ctx) =>
      run(
        ctx,
        "sync",
        since === undefined ? "EVALSHA_RO" : "ZRANGE",
        () => store.sync(since, ctx),
        () => (since === undefined ? 1 + logCost(undefined) : 1),
      ),
    establish: (known, ctx) =>
      run(
        ctx,
        "establish",
        "EVALSHA",
        () => store.establish(known, ctx),
        () => 7 + logCost(known.seq),
      ),
    write: (entries, ctx) =>
      run(
        ctx,
        "write",
        "SET",
        () => store.write(entries, ctx),
        () => entries.length,
      ),
    delete: (keys, ctx) =>
      run(
        ctx,
        "delete",
        "DEL",
        () => store.delete(keys, ctx),
        () => 1,
      ),
    invalidate: (members, ctx) =>
      run(
        ctx,
        "invalidate",
        "EVALSHA",
        () => store.invalidate(members, ctx),
        // The number, the clock, the era; the members' numbers; and one or more to write them.
        () => 4 + membersCost(members.length) + Math.max(1, membersCost(2 * members.length + 2)),
      ),
    numbers: (members, ctx) =>
      run(
        ctx,
        "numbers",
        "ZMSCORE",
        () => store.numbers(members, ctx),
        () => (members.length > 0 ? 1 : 0),
      ),
    trim: (keepMs, ctx) =>
      run(
        ctx,
        "trim",
        "EVALSHA",
        () => store.trim(keepMs, ctx),
        () => 6,
      ),
  };
}
