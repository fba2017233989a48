import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  SLOT_PRIORITIES,
  type ReleaseSlot,
  type SlotRequest,
} from "../../src/core/origin-slots.ts";
import type { Result } from "../../src/core/result.ts";
import { createAdaptiveLimit } from "../../src/resilience/adaptive-limit.ts";
import {
  createBulkhead as create,
  type Bulkhead,
  type BulkheadOptions,
} from "../../src/resilience/bulkhead.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createVirtualTime } from "../simulation/virtual-time.ts";

const LONG = 10_000;
const now = () => Date.now();

const createBulkhead = (
  options: Omit<BulkheadOptions, "random" | "withTimeout" | "slotWaitMs"> &
    Partial<BulkheadOptions>,
) => create({ random: () => 0, withTimeout, slotWaitMs: LONG, ...options });

function requestOf(waitMs: number, holdMs = LONG, client?: string): SlotRequest {
  return { priority: "read", waitMs, holdMs, client };
}

async function acquire(bulkhead: Bulkhead, waitMs = LONG): Promise<ReleaseSlot> {
  const acquired = await bulkhead.acquire(requestOf(waitMs));
  if (!acquired.ok) throw new Error(acquired.fault.code);
  return acquired.value;
}

/** Counts the free slots by taking all of them. */
async function freeSlotsOf(bulkhead: Bulkhead): Promise<number> {
  let count = 0;
  while ((await bulkhead.acquire(requestOf(0))).ok) count++;
  return count;
}

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

  it("a waiting call that nobody needs any more gets no slot, and the next waiting call gets it", async () => {
    const bulkhead = createBulkhead({ slots: 1, now });
    const release = await acquire(bulkhead);
    let hasLeft = false;
    const abandoned = bulkhead.acquire({ ...requestOf(LONG), isAbandoned: () => hasLeft });
    const wanted = bulkhead.acquire({ ...requestOf(LONG), isAbandoned: () => false });
    hasLeft = true;
    release();
    expect(await abandoned).toMatchObject({ ok: false, fault: { code: "origin.abandoned" } });
    expect((await wanted).ok).toBe(true);
  });

  it("a refused call tells the client to come back after 1 to 4 s, by chance", async () => {
    const retryAfter = async (random: () => number) => {
      const bulkhead = createBulkhead({ slots: 1, now, random });
      await acquire(bulkhead);
      const refused = await bulkhead.acquire(requestOf(0));
      return refused.ok ? undefined : refused.fault.retryAfterMs;
    };
    expect(await retryAfter(() => 0)).toBe(1_000);
    expect(await retryAfter(() => 0.5)).toBe(2_500);
    expect(await retryAfter(() => 1)).toBe(4_000);
  });

  it("a read that would wait longer than it may, by the calls ahead of it, is refused at once", async () => {
    let time = 0;
    const shed: unknown[] = [];
    const onShed: BulkheadOptions["onShed"] = (...why) => void shed.push(why);
    const bulkhead = createBulkhead({ slots: 1, slotWaitMs: 500, now: () => time, onShed });
    const first = await acquire(bulkhead);
    time = 200;
    first("good");
    await acquire(bulkhead);
    const waiting = [bulkhead.acquire(requestOf(LONG)), bulkhead.acquire(requestOf(LONG))];
    expect((await bulkhead.acquire(requestOf(LONG))).ok).toBe(false);
    expect(shed).toEqual([["read", "hopeless"]]);
    await Promise.all(waiting);
  });

  it("a line of 16 calls for each slot is full: a further read is refused, and a write takes the place of the read that has waited longest", async () => {
    const shed: unknown[] = [];
    const bulkhead = createBulkhead({
      slots: 1,
      now,
      onShed: (...why) => void shed.push(why),
    });
    const release = await acquire(bulkhead);
    const writes = Array.from({ length: 15 }, () =>
      bulkhead.acquire({ ...requestOf(LONG), priority: "write" }),
    );
    const read = bulkhead.acquire(requestOf(LONG));
    expect((await bulkhead.acquire({ ...requestOf(LONG), priority: "warm" })).ok).toBe(false);
    const last = bulkhead.acquire({ ...requestOf(LONG), priority: "write" });
    expect((await read).ok).toBe(false);
    expect(shed).toEqual([
      ["warm", "full"],
      ["read", "full"],
    ]);
    release();
    for (const write of [...writes, last]) {
      const acquired = await write;
      if (acquired.ok) acquired.value();
    }
    expect(await freeSlotsOf(bulkhead)).toBe(1);
  });

  it("a bulkhead whose limit falls below the number of running calls gives no slot until enough of them have ended", async () => {
    let current = 3;
    const limit = { current: () => current, began: () => 0, ended: () => undefined };
    const bulkhead = createBulkhead({ slots: 3, limit, now });
    const [one, two] = [await acquire(bulkhead), await acquire(bulkhead), await acquire(bulkhead)];
    current = 2;
    one();
    expect(await freeSlotsOf(bulkhead)).toBe(0);
    two();
    expect(await freeSlotsOf(bulkhead)).toBe(1);
  });

  it("a waiting call gets a slot when the cap over all isolates grants one more", async () => {
    let granted = 1;
    const wanted: number[] = [];
    const grantedSlots = (count: number) => (wanted.push(count), granted);
    const bulkhead = createBulkhead({ slots: 9, grantedSlots, now });
    await acquire(bulkhead);
    const waiting = bulkhead.acquire(requestOf(LONG));
    await Promise.resolve();
    granted = 2;
    bulkhead.onGrant();
    expect((await waiting).ok).toBe(true);
    expect(Math.max(...wanted)).toBe(2);
  });

  it("random calls of all classes, of which some are abandoned and some never released, never use more slots than the limit allows, and each of them ends", async () => {
    const visit = fc.record({
      priority: fc.constantFrom(...SLOT_PRIORITIES),
      beginsAt: fc.nat({ max: 400 }),
      waitMs: fc.nat({ max: 300 }),
      staysMs: fc.nat({ max: 100 }),
      client: fc.constantFrom(undefined, "a", "b"),
      releases: fc.boolean(),
      leavesAt: fc.option(fc.nat({ max: 500 })),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(visit, { maxLength: 30 }),
        async (slots, visits) => {
          const time = createVirtualTime();
          const start = time.now();
          const bulkhead = create({
            slots,
            slotsPerClient: Math.ceil(slots / 2),
            slotWaitMs: 200,
            limit: createAdaptiveLimit({ min: 1, max: slots }),
            now: time.now,
            random: time.random,
            withTimeout: time.withTimeout,
          });
          const HOLD_MS = 150;
          let inside = 0;
          let most = 0;
          let ended = 0;
          const one = async ({ beginsAt, staysMs, releases, leavesAt, ...request }: Visit) => {
            await time.sleep(beginsAt);
            const isAbandoned = () => leavesAt !== null && time.now() - start >= leavesAt;
            const acquired = await bulkhead.acquire({ ...request, holdMs: HOLD_MS, isAbandoned });
            ended++;
            if (!acquired.ok) return;
            most = Math.max(most, ++inside);
            // A slot that is not released expires after its holder has ended.
            await time.sleep(releases ? staysMs : HOLD_MS - 1);
            inside--;
            if (releases) acquired.value(staysMs > 50 ? "bad" : "good");
          };
          type Visit = (typeof visits)[number];
          const all = Promise.all(visits.map(one));
          await time.run();
          await all;
          expect(most).toBeLessThanOrEqual(slots);
          expect(ended).toBe(visits.length);
          expect(bulkhead.stats().waiting).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
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
