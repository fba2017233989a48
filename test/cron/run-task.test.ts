/** Runs of one task, with the leases and cursors in Redis. */
import { describe, expect, it } from "vitest";
import type { WithTimeout } from "../../src/core/deadline.ts";
import { failed } from "../../src/core/faults.ts";
import type { LeaseStore } from "../../src/core/task.ts";
import { LAST_STEP_MS, type Task } from "../../src/cron/run-task.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createGate } from "../support/gate.ts";
import { redisCommand } from "../support/gateway.ts";
import { never, openTask } from "./task-runs.ts";

describe("the steps of a task", () => {
  it("a task with time for all its steps does each of them once, and leaves neither a lease nor a cursor in Redis", async () => {
    const { run, task, done, key } = openTask();
    expect(await run(task())).toEqual({ outcome: "done" });
    expect(done).toEqual(["a", "b", "c"]);
    expect(await redisCommand("EXISTS", key("lease"), key("cursor"))).toBe(0);
  });

  it("a task whose time is used up after its second step is continued by the next run at its third step", async () => {
    const { run, task, done, clock } = openTask();
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
    const { run, task, done } = openTask();
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
    const { run, task, done } = openTask();
    const partly = task({ run: async () => ({ cursor: "c", failure: "one kind failed" }) });
    expect(await run(partly)).toEqual({ outcome: "failed", detail: "one kind failed" });
    await run(task());
    expect(done).toEqual(["c"]);
  });

  it("a task whose steps never end does 50 steps in one run", async () => {
    const { run, task } = openTask();
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
    const { run, task, key, done, expire } = openTask();
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
    const { run, task, done } = openTask();
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
    const { run, task, done, key } = openTask();
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
    const { run, task, key } = openTask();
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
    const { run, task, done, key } = openTask();
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
    const { run, task } = openTask();
    const rare = { everyMs: 600_000 };
    const failing = task({ ...rare, run: async () => ({ failure: "no" }) });
    expect(await run(failing)).toMatchObject({ outcome: "failed" });
    expect(await run(task(rare))).toEqual({ outcome: "done" });
  });

  it("a task that needs a lease fails without a step while Redis is away, and a task with its own exclusion is done", async () => {
    const { run, task, done } = openTask();
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
    const { run, task, clock, key } = openTask();
    const report = await run(task(), { endsAt: clock.now() });
    expect(report).toEqual({ outcome: "skipped", detail: "no time left" });
    expect(await redisCommand("EXISTS", key("lease"))).toBe(0);
  });
});
