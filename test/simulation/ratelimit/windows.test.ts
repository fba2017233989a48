/**
 * The scripts in the embedded Redis against their promises, with random limits, costs and arrival
 * times, and a clock that the test sets. RATE_SIMULATIONS sets the number of runs; default 100.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  balanceOf,
  charge,
  emptyBucket,
  room,
  waitFor,
  type Bucket,
} from "../../../src/ratelimit/bucket.ts";
import type { Ledger, TakeResult } from "../../../src/ratelimit/ledger.ts";
import type { Window } from "../../../src/ratelimit/window.ts";
import { createRedisLedger } from "../../../src/ratelimit/redis-ledger.ts";
import { createQuietContext } from "./context.ts";
import { createSimulatedRedis, type SimulatedRedis } from "./redis.ts";

const runs = Number(process.env["RATE_SIMULATIONS"] ?? 100);
const START = 1_763_720_000_000;
const ctx = createQuietContext(() => START);

/** Random gaps between requests, many of them at the edges of a span, where decisions change. */
function arrivals(widthMs: number) {
  return fc.array(
    fc.record({
      afterMs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: Math.ceil(widthMs / 10) }),
        fc.integer({ min: 0, max: widthMs }),
        fc.constantFrom(1, widthMs - 1, widthMs, widthMs + 1, 2 * widthMs),
      ),
      cost: fc.constantFrom(1, 1, 1, 2, 3),
    }),
    { minLength: 5, maxLength: 60 },
  );
}

const plays = fc
  .record({ limit: fc.integer({ min: 3, max: 20 }), widthMs: fc.integer({ min: 10, max: 2_000 }) })
  .chain(({ limit, widthMs }) =>
    arrivals(widthMs).map((list) => ({ window: { limit, widthMs, label: "x" }, list })),
  );

function setUp(algorithm: "sliding-window" | "sliding-log"): {
  redis: SimulatedRedis;
  ledger: Ledger;
} {
  const redis = createSimulatedRedis(START);
  let ids = 0;
  const newId = () => `id${ids++}`;
  const ledger = createRedisLedger({ redis: redis.client, namespace: "t", algorithm, newId });
  return { redis, ledger };
}

async function take(ledger: Ledger, window: Window, cost: number): Promise<TakeResult> {
  const charges = [{ key: "a", windows: [window], debt: 0, debtAgeMs: 0 }];
  const result = await ledger.take({ charges, cost, requests: 1 }, ctx);
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

interface Admitted {
  readonly at: number;
  readonly cost: number;
}

const tokensBetween = (list: readonly Admitted[], from: number, to: number): number =>
  list.filter(({ at }) => at > from && at <= to).reduce((sum, { cost }) => sum + cost, 0);

describe("the sliding log script", () => {
  it("the rate-limit algorithm `sliding-log` admits no more tokens than the limit in any span, and refuses only requests that would exceed it", async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { redis, ledger } = setUp("sliding-log");
        const admitted: Admitted[] = [];
        for (const { afterMs, cost } of list) {
          redis.now += afterMs;
          const used = tokensBetween(admitted, redis.now - window.widthMs, redis.now);
          const taken = await take(ledger, window, cost);
          expect(taken.admitted).toBe(used + cost <= window.limit ? 1 : 0);
          if (taken.admitted === 1) admitted.push({ at: redis.now, cost });
          else refused++;
        }
        for (const { at } of admitted)
          expect(tokensBetween(admitted, at - window.widthMs, at)).toBeLessThanOrEqual(
            window.limit,
          );
      }),
      { numRuns: runs },
    );
    expect(refused).toBeGreaterThan(runs / 10);
  }, 300_000);

  it("the waiting time that the rate-limit algorithm `sliding-log` reports for a refused request is exact to the millisecond", async () => {
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { redis, ledger } = setUp("sliding-log");
        for (const { afterMs, cost } of list) {
          redis.now += afterMs;
          const { admitted, balances } = await take(ledger, window, cost);
          if (admitted === 1) continue;
          const waitMs = balances[0]![0]!.waitMs;
          expect(waitMs).toBeGreaterThan(0);
          redis.now += waitMs - 1;
          expect((await take(ledger, window, cost)).admitted).toBe(0);
          redis.now += 1;
          expect((await take(ledger, window, cost)).admitted).toBe(1);
        }
      }),
      { numRuns: runs },
    );
  }, 300_000);
});

describe("the sliding window script", () => {
  it("the rate-limit algorithm `sliding-window` admits too many or too few tokens only within the error bounds in docs/rate-limits.md", async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { redis, ledger } = setUp("sliding-window");
        const admitted: Admitted[] = [];
        const { limit, widthMs } = window;
        for (const { afterMs, cost } of list) {
          redis.now += afterMs;
          const taken = await take(ledger, window, cost);
          if (taken.admitted === 1) admitted.push({ at: redis.now, cost });
          const { startMs, previous } = taken.buckets![0]![0]!;
          const passed = redis.now - startMs;
          const used = tokensBetween(admitted, redis.now - widthMs, redis.now);
          if (taken.admitted === 1) {
            expect(used).toBeLessThanOrEqual(limit + (previous * passed) / widthMs + 1);
            expect(used).toBeLessThanOrEqual(2 * limit);
          } else {
            refused++;
            expect(used + cost + previous * (1 - passed / widthMs)).toBeGreaterThan(limit);
          }
        }
      }),
      { numRuns: runs },
    );
    expect(refused).toBeGreaterThan(runs / 10);
  }, 300_000);

  it("the rate-limit algorithm `sliding-window` admits almost twice the limit if all tokens of a time span are used at the end of the span", async () => {
    const { redis, ledger } = setUp("sliding-window");
    const window: Window = { limit: 100, widthMs: 1_000, label: "1s" };
    const admitted: Admitted[] = [];
    const ask = async (): Promise<void> => {
      if ((await take(ledger, window, 1)).admitted === 1) admitted.push({ at: redis.now, cost: 1 });
    };
    await ask();
    redis.now += 999;
    for (let i = 0; i < 99; i++) await ask();
    for (redis.now += 1; redis.now < START + 1_990; redis.now += 5) await ask();
    const most = Math.max(
      ...admitted.map(({ at }) => tokensBetween(admitted, at - window.widthMs, at)),
    );
    expect(most).toBeGreaterThan(190);
    expect(most).toBeLessThanOrEqual(200);
  });

  it("the rate-limit algorithm `sliding-window` admits exactly the limit in the first span of a rate-limit account", async () => {
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { redis, ledger } = setUp("sliding-window");
        let total = 0;
        for (const { afterMs, cost } of list) {
          redis.now += afterMs;
          if (redis.now - START >= window.widthMs + list[0]!.afterMs) break;
          const fits = total + cost <= window.limit;
          const taken = await take(ledger, window, cost);
          expect(taken.admitted).toBe(fits ? 1 : 0);
          if (fits) total += cost;
        }
      }),
      { numRuns: runs },
    );
  }, 300_000);

  it("the waiting time that the rate-limit algorithm `sliding-window` reports for a refused request is exact to the millisecond", async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { redis, ledger } = setUp("sliding-window");
        for (const { afterMs, cost } of list) {
          redis.now += afterMs;
          const { admitted, balances } = await take(ledger, window, cost);
          if (admitted === 1) continue;
          refused++;
          const { waitMs } = balances[0]![0]!;
          redis.now += waitMs - 1;
          expect((await take(ledger, window, cost)).admitted).toBe(0);
          redis.now += 1;
          expect((await take(ledger, window, cost)).admitted).toBe(1);
        }
      }),
      { numRuns: runs },
    );
    expect(refused).toBeGreaterThan(runs / 10);
  }, 300_000);

  it("the Redis script of the rate-limit algorithm `sliding-window` and bucket.ts compute the same balances, with debts of any age", async () => {
    const step = fc.record({
      afterMs: fc.nat(3_000),
      cost: fc.integer({ min: 0, max: 3 }),
      requests: fc.integer({ min: 0, max: 4 }),
      debt: fc.constantFrom(0, 0, 1, 5),
      debtAgeMs: fc.nat(5_000),
    });
    const windows: Window[] = [
      { limit: 10, widthMs: 700, label: "a" },
      { limit: 25, widthMs: 2_000, label: "b" },
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const { redis, ledger } = setUp("sliding-window");
        let model: Bucket[] = windows.map(() => emptyBucket(START));
        for (const { afterMs, cost, requests, debt, debtAgeMs } of steps) {
          redis.now += afterMs;
          const { now } = redis;
          const charges = [{ key: "a", windows, debt, debtAgeMs }];
          const result = await ledger.take({ charges, cost, requests }, ctx);
          if (!result.ok) throw new Error(result.fault.message);
          model = model.map((bucket, w) => charge(bucket, windows[w]!, now, debt, debtAgeMs));
          const rooms = model.map((bucket, w) => room(bucket, windows[w]!, now));
          const fit = Math.max(0, Math.floor(Math.min(...rooms) / (cost || 1)));
          const admitted = cost === 0 ? requests : Math.min(requests, fit);
          model = model.map((bucket, w) => charge(bucket, windows[w]!, now, admitted * cost));
          expect(result.value.admitted).toBe(admitted);
          expect(result.value.balances[0]).toEqual(
            model.map((bucket, w) => balanceOf(bucket, windows[w]!, now, cost)),
          );
        }
      }),
      { numRuns: runs },
    );
  }, 300_000);

  it("a clock that goes back does not free tokens of a rate-limit bucket", () => {
    const window: Window = { limit: 10, widthMs: 1_000, label: "1s" };
    const used = charge(emptyBucket(START), window, START, 10);
    expect(room(used, window, START - 3_600_000)).toBe(0);
    expect(waitFor(used, window, START, 11)).toBe(Infinity);
  });
});

describe("several accounts in one call", () => {
  it("one call of the token ledger charges several rate-limit accounts together or not at all", async () => {
    const take3 = fc.record({
      keys: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1 }),
    });
    for (const algorithm of ["sliding-window", "sliding-log"] as const)
      await fc.assert(
        fc.asyncProperty(fc.array(take3, { maxLength: 30 }), async (takes) => {
          const { ledger } = setUp(algorithm);
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

  it("charging three rate-limit accounts costs six Redis commands (the script, TIME, MGET, three SETs), and a refusal costs no SET", async () => {
    const { redis, ledger } = setUp("sliding-window");
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
