import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Result } from "../../src/core/result.ts";
import { createBulkhead, type Bulkhead, type Leave } from "../../src/resilience/bulkhead.ts";

const LONG = 10_000;
const now = () => Date.now();

async function enter(bulkhead: Bulkhead, waitMs = LONG): Promise<Leave> {
  const entered = await bulkhead.enter(waitMs, LONG);
  if (!entered.ok) throw new Error(entered.fault.code);
  return entered.value;
}

/** Enters as often as there is a place at once. */
async function placesOf(bulkhead: Bulkhead): Promise<number> {
  let places = 0;
  while ((await bulkhead.enter(0, LONG)).ok) places++;
  return places;
}

describe("a bulkhead", () => {
  afterEach(() => void vi.useRealTimers());

  it("lets so many in at once, and no more", async () => {
    expect(await placesOf(createBulkhead({ slots: 3, now }))).toBe(3);
  });

  it("turns away who has waited in vain", async () => {
    const bulkhead = createBulkhead({ slots: 1, now });
    await enter(bulkhead);
    expect(await bulkhead.enter(1, LONG)).toMatchObject({
      ok: false,
      fault: { code: "origin.saturated" },
    });
  });

  it("hands a place that is given back to the first in line", async () => {
    const bulkhead = createBulkhead({ slots: 1, now });
    const leave = await enter(bulkhead);
    const order: number[] = [];
    const line = [1, 2, 3].map(async (n) => {
      const next = await enter(bulkhead);
      order.push(n);
      next();
    });
    leave();
    await Promise.all(line);
    expect(order).toEqual([1, 2, 3]);
    expect(await placesOf(bulkhead)).toBe(1);
  });

  it("takes a place back once, however often it is given back", async () => {
    const bulkhead = createBulkhead({ slots: 2, now });
    const [one] = [await enter(bulkhead), await enter(bulkhead)];
    one();
    one();
    one();
    expect(await placesOf(bulkhead)).toBe(1);
  });

  it("does not hand a place to one who has gone", async () => {
    const bulkhead = createBulkhead({ slots: 1, now });
    const leave = await enter(bulkhead);
    const impatient = bulkhead.enter(1, LONG);
    const patient = enter(bulkhead);
    expect((await impatient).ok).toBe(false);
    leave();
    (await patient)();
    expect(await placesOf(bulkhead)).toBe(1);
  });

  it("loses no place when one is handed over in the very turn in which a wait ends", async () => {
    vi.useFakeTimers();
    const bulkhead = createBulkhead({ slots: 1, now });
    const leave = await enter(bulkhead);
    const waiting = bulkhead.enter(10, LONG);
    setTimeout(leave, 10);
    // Both timers go off before the one that waited can hear of either.
    vi.advanceTimersByTime(10);
    vi.useRealTimers();
    expect((await waiting).ok).toBe(false);
    expect(await placesOf(bulkhead)).toBe(1);
  });

  it("takes a place from a holder that is gone", async () => {
    let time = 0;
    const bulkhead = createBulkhead({ slots: 1, now: () => time });
    const first = await bulkhead.enter(0, 100);
    time = 99;
    expect((await bulkhead.enter(0, 100)).ok).toBe(false);
    time = 100;
    const second = await bulkhead.enter(0, 100);
    expect(second.ok).toBe(true);
    // Late, and of no effect: the place has another holder.
    if (first.ok) first.value();
    expect((await bulkhead.enter(0, 100)).ok).toBe(false);
  });

  it("is not closed for an hour by a clock that is set back an hour", async () => {
    let time = 3_600_000;
    const bulkhead = createBulkhead({ slots: 1, now: () => time });
    await bulkhead.enter(0, 100);
    time = 0;
    expect((await bulkhead.enter(0, 100)).ok).toBe(true);
  });

  it("loses and invents no place, whoever comes, waits and goes", async () => {
    const visit = fc.record({ waitMs: fc.nat({ max: 3 }), staysMs: fc.nat({ max: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(visit, { maxLength: 15 }),
        async (places, visits) => {
          const bulkhead = createBulkhead({ slots: places, now });
          let inside = 0;
          const one = async ({ waitMs, staysMs }: { waitMs: number; staysMs: number }) => {
            const entered: Result<Leave> = await bulkhead.enter(waitMs, LONG);
            if (!entered.ok) return;
            inside++;
            expect(inside).toBeLessThanOrEqual(places);
            await new Promise((resolve) => setTimeout(resolve, staysMs));
            inside--;
            entered.value();
          };
          await Promise.all(visits.map(one));
          expect(await placesOf(bulkhead)).toBe(places);
        },
      ),
      { numRuns: 60 },
    );
  });
});
