/**
 * The ledgers of the sliding window against their promises, with random limits, costs and arrival times, and a
 * clock that the test sets. RATE_SIMULATIONS sets the number of runs; default 100.
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
import type { Window } from "../../../src/ratelimit/window.ts";
import {
  ctx,
  LEDGERS,
  plays,
  runs,
  START,
  take,
  tokensBetween,
  type Admitted,
} from "./ledger-subjects.ts";

describe.each(LEDGERS)("the sliding window in %s", (name, create) => {
  it(`the rate-limit algorithm 'sliding-window' admits too many or too few tokens only within the error bounds in docs/rate-limits.md, with the ledger in ${name}`, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { clock, ledger } = create("sliding-window");
        const admitted: Admitted[] = [];
        const { limit, widthMs } = window;
        for (const { afterMs, cost } of list) {
          clock.now += afterMs;
          const taken = await take(ledger, window, cost);
          if (taken.admitted === 1) admitted.push({ at: clock.now, cost });
          const { startMs, previous } = taken.buckets![0]![0]!;
          const passed = clock.now - startMs;
          const used = tokensBetween(admitted, clock.now - widthMs, clock.now);
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

  it(`the rate-limit algorithm 'sliding-window' admits almost twice the limit if all tokens of a time span are used at the end of the span, with the ledger in ${name}`, async () => {
    const { clock, ledger } = create("sliding-window");
    const window: Window = { limit: 100, widthMs: 1_000, label: "1s" };
    const admitted: Admitted[] = [];
    const ask = async (): Promise<void> => {
      if ((await take(ledger, window, 1)).admitted === 1) admitted.push({ at: clock.now, cost: 1 });
    };
    await ask();
    clock.now += 999;
    for (let i = 0; i < 99; i++) await ask();
    for (clock.now += 1; clock.now < START + 1_990; clock.now += 5) await ask();
    const most = Math.max(
      ...admitted.map(({ at }) => tokensBetween(admitted, at - window.widthMs, at)),
    );
    expect(most).toBeGreaterThan(190);
    expect(most).toBeLessThanOrEqual(200);
  });

  it(`the rate-limit algorithm 'sliding-window' admits exactly the limit in the first span of a rate-limit account, with the ledger in ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { clock, ledger } = create("sliding-window");
        let total = 0;
        for (const { afterMs, cost } of list) {
          clock.now += afterMs;
          if (clock.now - START >= window.widthMs + list[0]!.afterMs) break;
          const fits = total + cost <= window.limit;
          const taken = await take(ledger, window, cost);
          expect(taken.admitted).toBe(fits ? 1 : 0);
          if (fits) total += cost;
        }
      }),
      { numRuns: runs },
    );
  }, 300_000);

  it(`the waiting time that the rate-limit algorithm 'sliding-window' reports for a refused request is exact to the millisecond, with the ledger in ${name}`, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { clock, ledger } = create("sliding-window");
        for (const { afterMs, cost } of list) {
          clock.now += afterMs;
          const { admitted, balances } = await take(ledger, window, cost);
          if (admitted === 1) continue;
          refused++;
          const { waitMs } = balances[0]![0]!;
          clock.now += waitMs - 1;
          expect((await take(ledger, window, cost)).admitted).toBe(0);
          clock.now += 1;
          expect((await take(ledger, window, cost)).admitted).toBe(1);
        }
      }),
      { numRuns: runs },
    );
    expect(refused).toBeGreaterThan(runs / 10);
  }, 300_000);

  it(`the ledger of the rate-limit algorithm 'sliding-window' and bucket.ts compute the same balances, with debts of any age, with the ledger in ${name}`, async () => {
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
        const { clock, ledger } = create("sliding-window");
        let model: Bucket[] = windows.map(() => emptyBucket(START));
        for (const { afterMs, cost, requests, debt, debtAgeMs } of steps) {
          clock.now += afterMs;
          const { now } = clock;
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
});

describe("a bucket", () => {
  it("a clock that goes back does not free tokens of a rate-limit bucket", () => {
    const window: Window = { limit: 10, widthMs: 1_000, label: "1s" };
    const used = charge(emptyBucket(START), window, START, 10);
    expect(room(used, window, START - 3_600_000)).toBe(0);
    expect(waitFor(used, window, START, 11)).toBe(Infinity);
  });
});
