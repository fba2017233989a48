/** Several accounts in one call of a ledger. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRedisLedger } from "../../../src/ratelimit/redis-ledger.ts";
import { ctx, LEDGERS, runs, START } from "./ledger-subjects.ts";
import { createSimulatedRedis } from "./redis.ts";

describe.each(LEDGERS)("several accounts in one call in %s", (name, create) => {
  it(`one call of the token ledger charges several rate-limit accounts together or not at all, with the ledger in ${name}`, async () => {
    const take3 = fc.record({
      keys: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1 }),
    });
    for (const algorithm of ["sliding-window", "sliding-log"] as const)
      await fc.assert(
        fc.asyncProperty(fc.array(take3, { maxLength: 30 }), async (takes) => {
          const { ledger } = create(algorithm);
          const limits = { a: 3, b: 5, c: 8 } as const;
          const used: Record<string, number> = { a: 0, b: 0, c: 0 };
          for (const { keys } of takes) {
            const charges = keys.map((key) => {
              const windows = [{ limit: limits[key as "a"], widthMs: 60_000, label: "1m" }];
              return { key, windows, debt: 0, debtAgeMs: 0 };
            });
            const result = await ledger.take({ charges, cost: 1, requests: 1 }, ctx);
            if (!result.ok) throw new Error(result.fault.message);
            const fits = keys.every((key) => used[key]! < limits[key as "a"]);
            expect(result.value.admitted).toBe(fits ? 1 : 0);
            if (fits) for (const key of keys) used[key]!++;
            for (const [i, key] of keys.entries())
              expect(result.value.balances[i]![0]!.remaining).toBe(limits[key as "a"] - used[key]!);
          }
        }),
        { numRuns: runs },
      );
  }, 300_000);
});

describe("the commands of Redis", () => {
  it("charging three rate-limit accounts costs six Redis commands (the script, TIME, MGET, three SETs), and a refusal costs no SET", async () => {
    const redis = createSimulatedRedis(START);
    const ledger = createRedisLedger({
      redis: redis.client,
      namespace: "t",
      algorithm: "sliding-window",
      newId: () => "id",
    });
    const charges = ["ip:a", "user:b", "endpoint:c"].map((key) => ({
      key,
      windows: [{ limit: 2, widthMs: 60_000, label: "1m" }],
      debt: 0,
      debtAgeMs: 0,
    }));
    const spent: number[] = [];
    for (let i = 0; i < 3; i++) {
      const before = redis.commands();
      await ledger.take({ charges, cost: 1, requests: 1 }, ctx);
      spent.push(redis.commands() - before);
    }
    expect(spent).toEqual([6, 6, 3]);
  });
});
