import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ReleaseSlot } from "../../src/core/origin-slots.ts";
import type { Result } from "../../src/core/result.ts";
import { acquire, createBulkhead, freeSlotsOf, LONG, now, requestOf } from "./bulkheads.ts";

describe("a bulkhead", () => {
  afterEach(() => void vi.useRealTimers());

  it("a bulkhead of 3 slots gives 3 slots at once, and no fourth", async () => {
    expect(await freeSlotsOf(createBulkhead({ slots: 3, now }))).toBe(3);
  });

  it("a request that gets no bulkhead slot within the allowed wait fails with the error code `origin.saturated`", async () => {
    const bulkhead = createBulkhead({ slots: 1, now });
    await acquire(bulkhead);
    expect(await bulkhead.acquire(requestOf(1))).toMatchObject({
      ok: false,
      fault: { code: "origin.saturated" },
    });
  });

  it("a bulkhead gives released slots to waiting calls in the order of arrival", async () => {
    const bulkhead = createBulkhead({ slots: 1, now });
    const release = await acquire(bulkhead);
    const order: number[] = [];
    const waiters = [1, 2, 3].map(async (n) => {
      const next = await acquire(bulkhead);
      order.push(n);
      next();
    });
    release();
    await Promise.all(waiters);
    expect(order).toEqual([1, 2, 3]);
    expect(await freeSlotsOf(bulkhead)).toBe(1);
  });

  it("a bulkhead gives a released slot to a waiting load of a request that has had a slot before the reads that have waited longer", async () => {
    const bulkhead = createBulkhead({ slots: 1, now });
    const release = await acquire(bulkhead);
    const order: string[] = [];
    const waiter = async (name: string, acquired: Promise<Result<ReleaseSlot>>) => {
      const next = await acquired;
      order.push(name);
      if (next.ok) next.value();
    };
    const waiters = [
      waiter("acquire", bulkhead.acquire(requestOf(LONG))),
      waiter("first", bulkhead.acquire({ ...requestOf(LONG), priority: "continued" })),
      waiter("second", bulkhead.acquire({ ...requestOf(LONG), priority: "continued" })),
    ];
    release();
    await Promise.all(waiters);
    expect(order).toEqual(["first", "second", "acquire"]);
    expect(await freeSlotsOf(bulkhead)).toBe(1);
  });

  it.each(["write", "read", "refresh"] as const)(
    "while the breaker of the origin is open, a call of the class %s that finds no free slot is refused at once, and the next one gets a slot that is free",
    async (priority) => {
      const bulkhead = createBulkhead({ slots: 1, now, isOriginAway: () => true });
      const release = await acquire(bulkhead);
      const refused: string[] = [];
      void bulkhead.acquire({ ...requestOf(LONG), priority }).then((result) => {
        if (!result.ok) refused.push(result.fault.code);
      });
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      expect(refused).toEqual(["origin.saturated"]);
      release();
      expect(await bulkhead.acquire({ ...requestOf(LONG), priority })).toMatchObject({ ok: true });
    },
  );

  it("a bulkhead slot that is released several times becomes free only once", async () => {
    const bulkhead = createBulkhead({ slots: 2, now });
    const [one] = [await acquire(bulkhead), await acquire(bulkhead)];
    one();
    one();
    one();
    expect(await freeSlotsOf(bulkhead)).toBe(1);
  });

  it("a bulkhead does not give a released slot to a waiting call that timed out", async () => {
    const bulkhead = createBulkhead({ slots: 1, now });
    const release = await acquire(bulkhead);
    const impatient = bulkhead.acquire(requestOf(1));
    const patient = acquire(bulkhead);
    expect((await impatient).ok).toBe(false);
    release();
    (await patient)();
    expect(await freeSlotsOf(bulkhead)).toBe(1);
  });

  it("a bulkhead slot is not lost if it is released at the moment when the call that waits for it times out", async () => {
    vi.useFakeTimers();
    const bulkhead = createBulkhead({ slots: 1, now });
    const release = await acquire(bulkhead);
    const waiting = bulkhead.acquire(requestOf(10));
    setTimeout(release, 10);
    // Both timers fire before the waiter's promise is settled.
    vi.advanceTimersByTime(10);
    vi.useRealTimers();
    expect((await waiting).ok).toBe(false);
    expect(await freeSlotsOf(bulkhead)).toBe(1);
  });

  it("a bulkhead slot that was not released becomes free after the time in the option `holdMs`", async () => {
    let time = 0;
    const bulkhead = createBulkhead({ slots: 1, now: () => time });
    const first = await bulkhead.acquire(requestOf(0, 100));
    time = 99;
    expect((await bulkhead.acquire(requestOf(0, 100))).ok).toBe(false);
    time = 100;
    const second = await bulkhead.acquire(requestOf(0, 100));
    expect(second.ok).toBe(true);
    // A late release has no effect: the slot has another holder.
    if (first.ok) first.value();
    expect((await bulkhead.acquire(requestOf(0, 100))).ok).toBe(false);
  });

  it("a bulkhead slot that was not released becomes free when the clock is set back by an hour", async () => {
    let time = 3_600_000;
    const bulkhead = createBulkhead({ slots: 1, now: () => time });
    await bulkhead.acquire(requestOf(0, 100));
    time = 0;
    expect((await bulkhead.acquire(requestOf(0, 100))).ok).toBe(true);
  });

  it("a client that uses its full share of bulkhead slots waits, although slots are free for other clients", async () => {
    const bulkhead = createBulkhead({ slots: 4, slotsPerClient: 2, now });
    const mine = [
      await bulkhead.acquire(requestOf(0, LONG, "a")),
      await bulkhead.acquire(requestOf(0, LONG, "a")),
    ];
    const third = bulkhead.acquire(requestOf(LONG, LONG, "a"));
    expect((await bulkhead.acquire(requestOf(0, LONG, "a"))).ok).toBe(false);
    expect((await bulkhead.acquire(requestOf(0, LONG, "b"))).ok).toBe(true);
    const [first] = mine;
    if (first?.ok === true) first.value();
    expect((await third).ok).toBe(true);
    expect(await freeSlotsOf(bulkhead)).toBe(1);
  });

  it("calls of one client that wait for a bulkhead slot do not delay the waiting calls of other clients", async () => {
    const bulkhead = createBulkhead({ slots: 2, slotsPerClient: 1, now });
    await bulkhead.acquire(requestOf(0, LONG, "a"));
    const release = await bulkhead.acquire(requestOf(0, LONG, "b"));
    const waiting = [
      bulkhead.acquire(requestOf(50, LONG, "a")),
      bulkhead.acquire(requestOf(LONG, LONG, "c")),
    ];
    if (release.ok) release.value();
    expect((await Promise.all(waiting)).map(({ ok }) => ok)).toEqual([false, true]);
  });

  it("a bulkhead slot that its client does not release stops counting in the client's share after the time in the option `holdMs`", async () => {
    let time = 0;
    const bulkhead = createBulkhead({ slots: 2, slotsPerClient: 1, now: () => time });
    await bulkhead.acquire(requestOf(0, 100, "a"));
    time = 99;
    expect((await bulkhead.acquire(requestOf(0, 100, "a"))).ok).toBe(false);
    time = 100;
    expect((await bulkhead.acquire(requestOf(0, 100, "a"))).ok).toBe(true);
  });

  it("random calls never use more slots than a bulkhead has, and leave all slots free", async () => {
    const visit = fc.record({ waitMs: fc.nat({ max: 3 }), staysMs: fc.nat({ max: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(visit, { maxLength: 15 }),
        async (slots, visits) => {
          const bulkhead = createBulkhead({ slots, now });
          let inside = 0;
          const one = async ({ waitMs, staysMs }: { waitMs: number; staysMs: number }) => {
            const acquired: Result<ReleaseSlot> = await bulkhead.acquire(requestOf(waitMs));
            if (!acquired.ok) return;
            inside++;
            expect(inside).toBeLessThanOrEqual(slots);
            await new Promise((resolve) => setTimeout(resolve, staysMs));
            inside--;
            acquired.value();
          };
          await Promise.all(visits.map(one));
          expect(await freeSlotsOf(bulkhead)).toBe(slots);
        },
      ),
      { numRuns: 60 },
    );
  });
});
