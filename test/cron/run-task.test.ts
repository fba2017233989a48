/** Runs of one task, with the leases and cursors in Redis. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { WithTimeout } from "../../src/core/deadline.ts";
import { failed } from "../../src/core/faults.ts";
import type { LeaseStore } from "../../src/core/task.ts";
import { LAST_STEP_MS, runTask, type Task, type TaskRun } from "../../src/cron/run-task.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createLeaseStore } from "../../src/redis/lease-store.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { createTestContext } from "../support/context.ts";
import { createGate } from "../support/gate.ts";
import { redisCommand } from "../support/gateway.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

const redis = createRedis({
  url: env.UPSTASH_REDIS_REST_URL,
  token: env.UPSTASH_REDIS_REST_TOKEN,
  timeoutMs: 5_000,
});

/** The longest time for which a run that was ended early stops its task: less than a minute. */
const LONGEST_LEASE_MS = 15_000;

function setup() {
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

/** A dependency that never answers: its isolate was ended while it waited. */
const never = new Promise<never>(() => undefined);

describe("the steps of a task", () => {
  it("a task with time for all its steps does each of them once, and leaves neither a lease nor a cursor in Redis", async () => {
    const { run, task, done, key } = setup();
    expect(await run(task())).toEqual({ outcome: "done" });
    expect(done).toEqual(["a", "b", "c"]);
    expect(await redisCommand("EXISTS", key("lease"), key("cursor"))).toBe(0);
  });

  it("a task whose time is used up after its second step is continued by the next run at its third step", async () => {
    const { run, task, done, clock } = setup();
    const slow = task();
    const steps: Task = {
      ...slow,
      run: (cursor, step) => {
        clock.advance(2_500);
        return slow.run(cursor, step);
      },
    };
    expect(await run(steps)).toEqual({ outcome: "continued" });
    expect(done).toEqual(["a", "b"]);
    expect(await run(steps)).toEqual({ outcome: "done" });
    expect(done).toEqual(["a", "b", "c"]);
  });

  it("a step that throws ends its run with the outcome `failed`, and the next run repeats the step", async () => {
    const { run, task, done } = setup();
    const broken = task({
      async run(cursor) {
        if (cursor === "b") throw new Error("no answer");
        return { cursor: "b" };
      },
    });
    expect(await run(broken)).toEqual({ outcome: "failed", detail: "no answer" });
    expect(await run(task())).toEqual({ outcome: "done" });
    expect(done).toEqual(["b", "c"]);
  });

  it("a step that returns a cursor and a failure is followed by the step of that cursor in the next run", async () => {
    const { run, task, done } = setup();
    const partly = task({ run: async () => ({ cursor: "c", failure: "one kind failed" }) });
    expect(await run(partly)).toEqual({ outcome: "failed", detail: "one kind failed" });
    await run(task());
    expect(done).toEqual(["c"]);
  });

  it("a task whose steps never end does 50 steps in one run", async () => {
    const { run, task } = setup();
    let steps = 0;
    const endless = task({
      exclusion: "own",
      run: async () => {
        steps++;
        return { cursor: `${steps}` };
      },
    });
    expect(await run(endless)).toEqual({ outcome: "continued" });
    expect(steps).toBe(50);
  });

  it("a step that hangs ends its run with the outcome `failed`, its signal aborts, and its lease stays in Redis until it expires", async () => {
    const { run, task, key, done, expire } = setup();
    const signals: AbortSignal[] = [];
    const hanging = task({
      run(_cursor, { signal }) {
        signals.push(signal);
        return never;
      },
    });
    const limits: number[] = [];
    const impatient: WithTimeout = (work, ms) => {
      limits.push(ms);
      return withTimeout(work, 20);
    };
    expect(await run(hanging, { withTimeout: impatient })).toEqual({
      outcome: "failed",
      detail: "a step took too long",
    });
    expect(limits).toEqual([5_000 + LAST_STEP_MS]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(await redisCommand("EXISTS", key("lease"))).toBe(1);
    expect(await run(task())).toEqual({ outcome: "skipped", detail: "held" });
    await expire();
    expect(await run(task())).toEqual({ outcome: "done" });
    expect(done).toEqual(["a", "b", "c"]);
  });
});

describe("the lease of a task", () => {
  it("a run skips a task that another run is doing", async () => {
    const { run, task, done } = setup();
    const gate = createGate();
    const first = run(
      task({
        async run(cursor = "a") {
          done.push(`first ${cursor}`);
          await gate.pass();
          return {};
        },
      }),
    );
    await gate.reached;
    expect(await run(task())).toEqual({ outcome: "skipped", detail: "held" });
    gate.open();
    expect(await first).toEqual({ outcome: "done" });
    expect(done).toEqual(["first a"]);
    expect(await run(task())).toEqual({ outcome: "done" });
  });

  it("a run that loses its lease stops after the step that it does, and does not overwrite the cursor of the run that took the lease", async () => {
    const { run, task, done, key } = setup();
    const gate = createGate();
    const first = run(
      task({
        async run(cursor = "a") {
          done.push(`first ${cursor}`);
          await gate.pass();
          return { cursor: "b" };
        },
      }),
    );
    await gate.reached;
    // Redis has lost the lease, and the second run is at its last step.
    await redisCommand("SET", key("lease"), "another run");
    await redisCommand("SET", key("cursor"), "c");
    gate.open();
    expect(await first).toEqual({ outcome: "failed", detail: "another run took the lease" });
    expect(done).toEqual(["first a"]);
    expect(await redisCommand("GET", key("cursor"))).toBe("c");
    expect(await redisCommand("GET", key("lease"))).toBe("another run");
  });

  it("a run that loses its lease in its last step does not delete the lease of the run that took it", async () => {
    const { run, task, key } = setup();
    const losing = task({
      async run() {
        await redisCommand("SET", key("lease"), "another run");
        return {};
      },
    });
    expect(await run(losing)).toMatchObject({ outcome: "failed" });
    expect(await redisCommand("GET", key("lease"))).toBe("another run");
  });

  it("a task with a time between its starts is skipped by the runs that come early, and done by a run after that time", async () => {
    const { run, task, done, key } = setup();
    const rare = task({ everyMs: 600_000, run: async () => ({ cursor: void done.push("x") }) });
    expect(await run(rare)).toEqual({ outcome: "done" });
    expect(await run(rare)).toEqual({ outcome: "skipped", detail: "early" });
    const leftMs = await redisCommand<number>("PTTL", key("lease"));
    // The cron trigger may come 5 % early.
    expect(leftMs).toBeLessThanOrEqual(570_000);
    expect(leftMs).toBeGreaterThan(540_000);
    await redisCommand("PEXPIRE", key("lease"), 0);
    expect(await run(rare)).toEqual({ outcome: "done" });
    expect(done).toEqual(["x", "x"]);
  });

  it("a task whose step failed is tried by the next run, whatever the time between its starts is", async () => {
    const { run, task } = setup();
    const rare = { everyMs: 600_000 };
    const failing = task({ ...rare, run: async () => ({ failure: "no" }) });
    expect(await run(failing)).toMatchObject({ outcome: "failed" });
    expect(await run(task(rare))).toEqual({ outcome: "done" });
  });

  it("a task that needs a lease fails without a step while Redis is away, and a task with its own exclusion is done", async () => {
    const { run, task, done } = setup();
    const away = async () => failed("redis.unavailable", "cannot be reached");
    const leases: LeaseStore = { take: away, saveCursor: away, release: away };
    expect(await run(task(), { leases })).toEqual({
      outcome: "failed",
      detail: "redis.unavailable: cannot be reached",
    });
    expect(done).toEqual([]);
    expect(await run(task({ exclusion: "own" }), { leases })).toEqual({ outcome: "done" });
    expect(done).toEqual(["a", "b", "c"]);
  });

  it("a run without time left takes no lease", async () => {
    const { run, task, clock, key } = setup();
    const report = await run(task(), { endsAt: clock.now() });
    expect(report).toEqual({ outcome: "skipped", detail: "no time left" });
    expect(await redisCommand("EXISTS", key("lease"))).toBe(0);
  });
});

describe("a run whose isolate ends", () => {
  // A run of three steps waits for the lease, a step, its cursor, a step, its cursor, a step, and the end of the lease.
  it.each([
    [1, "before the lease"],
    [2, "after the lease"],
    [3, "in the first step"],
    [4, "before the first cursor"],
    [5, "after the first cursor"],
    [6, "in the second step"],
    [7, "before the second cursor"],
    [8, "after the second cursor"],
    [9, "in the third step"],
    [10, "before the end of the lease"],
    [11, "after the end of the lease"],
  ])(
    "a task of three steps whose isolate ends at wait %i, %s, is finished by the next run after the lease has expired, without a step left out",
    async (killedAt) => {
      const { run, task, leases, done, expire, key } = setup();
      const killed = Promise.withResolvers<void>();
      let waits = 0;
      async function reach(): Promise<void> {
        if (++waits !== killedAt) return;
        killed.resolve();
        await never;
      }
      const mortal = <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
        async function callAndDie(...args: A): Promise<R> {
          await reach();
          const result = await call(...args);
          await reach();
          return result;
        };
      const steps = task();
      void run(
        task({
          async run(cursor, step) {
            const result = await steps.run(cursor, step);
            await reach();
            return result;
          },
        }),
        {
          leases: {
            take: mortal(leases.take),
            saveCursor: mortal(leases.saveCursor),
            release: mortal(leases.release),
          },
          withTimeout: (work) => work,
        },
      );
      await killed.promise;
      const early = await run(task());
      if (early.outcome === "skipped") {
        await expire();
        expect(await run(task())).toEqual({ outcome: "done" });
      }
      const inOrder = done.filter((step, at) => done.indexOf(step) === at);
      expect(inOrder).toEqual(["a", "b", "c"]);
      // Only the step whose cursor was not stored is repeated; all of them if the work was finished before.
      if (killedAt < 11) expect(done.length).toBeLessThanOrEqual(4);
      expect(await redisCommand("EXISTS", key("lease"), key("cursor"))).toBe(0);
    },
  );
});
