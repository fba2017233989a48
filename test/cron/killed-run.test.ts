/** Runs whose isolate ends while they wait. */
import { describe, expect, it } from "vitest";
import { redisCommand } from "../support/gateway.ts";
import { never, openTask } from "./task-runs.ts";

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
      const { run, task, leases, done, expire, key } = openTask();
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
