/**
 * The ledgers of the sliding log against their promises, with random limits, costs and arrival times, and a
 * clock that the test sets. RATE_SIMULATIONS sets the number of runs; default 100.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEDGERS, plays, runs, take, tokensBetween, type Admitted } from "./ledger-subjects.ts";

describe.each(LEDGERS)("the sliding log in %s", (name, create) => {
  it(`the rate-limit algorithm 'sliding-log' admits no more tokens than the limit in any span, and refuses only requests that would exceed it, with the ledger in ${name}`, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { clock, ledger } = create("sliding-log");
        const admitted: Admitted[] = [];
        for (const { afterMs, cost } of list) {
          clock.now += afterMs;
          const used = tokensBetween(admitted, clock.now - window.widthMs, clock.now);
          const taken = await take(ledger, window, cost);
          expect(taken.admitted).toBe(used + cost <= window.limit ? 1 : 0);
          if (taken.admitted === 1) admitted.push({ at: clock.now, cost });
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

  it(`the waiting time that the rate-limit algorithm 'sliding-log' reports for a refused request is exact to the millisecond, with the ledger in ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(plays, async ({ window, list }) => {
        const { clock, ledger } = create("sliding-log");
        for (const { afterMs, cost } of list) {
          clock.now += afterMs;
          const { admitted, balances } = await take(ledger, window, cost);
          if (admitted === 1) continue;
          const waitMs = balances[0]![0]!.waitMs;
          expect(waitMs).toBeGreaterThan(0);
          clock.now += waitMs - 1;
          expect((await take(ledger, window, cost)).admitted).toBe(0);
          clock.now += 1;
          expect((await take(ledger, window, cost)).admitted).toBe(1);
        }
      }),
      { numRuns: runs },
    );
  }, 300_000);
});
