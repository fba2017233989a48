/** One task with three steps, and runs of it with the leases and cursors in Redis. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { runTask, type Task, type TaskRun } from "../../src/cron/run-task.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createLeaseStore } from "../../src/redis/lease-store.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { createTestContext } from "../support/context.ts";
import { redisCommand } from "../support/gateway.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

const redis = createRedis({
  url: env.UPSTASH_REDIS_REST_URL,
  token: env.UPSTASH_REDIS_REST_TOKEN,
  timeoutMs: 5_000,
});

/** The longest time for which a run that was ended early stops its task: less than a minute. */
const LONGEST_LEASE_MS = 15_000;

export function openTask() {
  const namespace = uniqueNamespace();
  const clock = createTestClock();
  clock.stop();
  const leases = createLeaseStore(redis, namespace, createTestBreaker());
  const done: string[] = [];
  let runs = 0;
  return {
    namespace,
    clock,
    leases,
    done,
    /** A task of three steps, `a`, `b` and `c`. */
    task: (changes: Partial<Task> = {}): Task => ({
      name: "steps",
      exclusion: "lease",
      everyMs: 0,
      budgetMs: 5_000,
      async run(cursor = "a") {
        done.push(cursor);
        return { cursor: { a: "b", b: "c" }[cursor] };
      },
      ...changes,
    }),
    run: (task: Task, changes: Partial<TaskRun> = {}) =>
      runTask(task, {
        leases,
        token: `run-${runs++}`,
        withTimeout,
        endsAt: clock.now() + 20_000,
        ctx: createTestContext({ now: clock.now }),
        ...changes,
      }),
    key: (kind: "lease" | "cursor") => `${namespace}:${kind}:steps`,
    /** Lets the lease of a run that has ended early expire. */
    async expire() {
      const leftMs = await redisCommand<number>("PTTL", `${namespace}:lease:steps`);
      expect(leftMs).toBeLessThanOrEqual(LONGEST_LEASE_MS);
      await redisCommand("DEL", `${namespace}:lease:steps`);
    },
  };
}

/** The wait of an isolate that has ended. */
export const never = new Promise<never>(() => undefined);
