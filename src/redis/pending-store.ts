import type { Context } from "../core/context.ts";
import type { PendingIds } from "../core/pending.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";
import { attempt, type RedisClient } from "./client.ts";

export interface PendingStoreOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  /** Ids that are older count no longer. The time is shorter than the one for which the ids of applied messages are kept. */
  readonly keepMs: Millis;
  /** Calls Redis, or fails at once while the breaker is open. */
  readonly guard: <T>(call: () => Promise<Result<T>>) => Promise<Result<T>>;
}

const MAX_READ = 1_000;

/** Stores pending ids in Redis: one sorted set for each group, scored with the millisecond of the sending. */
export function createPendingStore(options: PendingStoreOptions): PendingIds {
  const { redis, namespace, keepMs, guard } = options;
  const keyOf = (group: string): string => `${namespace}:pending:${group}`;

  async function run<T>(
    operation: string,
    command: string,
    commands: number,
    ctx: Context,
    call: () => Promise<T>,
  ): Promise<Result<T>> {
    const startedAt = ctx.now();
    const result = await guard(() => attempt(call));
    const ms = ctx.now() - startedAt;
    const outcome = result.ok ? "ok" : result.fault.code;
    ctx.emit({ type: "redis.end", operation, command, commands, startedAt, ms, outcome });
    if (!result.ok) ctx.emit({ type: "fault.raise", fault: result.fault });
    return result;
  }

  return {
    add: (group, id, ctx) =>
      run("pending-add", "ZADD", 3, ctx, async () => {
        const key = keyOf(group);
        const now = ctx.now();
        await redis
          .pipeline()
          .zremrangebyscore(key, "-inf", now - keepMs)
          .zadd(key, { nx: true }, { score: now, member: id })
          .pexpire(key, keepMs)
          .exec();
      }),

    read: (group, ctx) =>
      run("pending-read", "ZRANGE", 2, ctx, async () => {
        const key = keyOf(group);
        const since = ctx.now() - keepMs;
        const [count, ids] = await redis
          .pipeline()
          .zcount(key, since, "+inf")
          .zrange<string[]>(key, since, "+inf", { byScore: true, offset: 0, count: MAX_READ })
          .exec<[number, string[]]>();
        return { count, ids };
      }),

    remove: (ids, ctx) =>
      run("pending-remove", "ZREM", new Set(ids.map(({ group }) => group)).size, ctx, async () => {
        const groups = Map.groupBy(ids, ({ group }) => group);
        const pipeline = redis.pipeline();
        for (const [group, members] of groups)
          pipeline.zrem(keyOf(group), ...members.map(({ id }) => id));
        if (groups.size > 0) await pipeline.exec();
      }),
  };
}
