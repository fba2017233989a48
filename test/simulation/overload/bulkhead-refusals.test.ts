/** Which waiting calls a bulkhead refuses, and when. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SLOT_PRIORITIES } from "../../../src/core/origin-slots.ts";
import { createAdaptiveLimit } from "../../../src/resilience/adaptive-limit.ts";
import type { BulkheadOptions } from "../../../src/resilience/bulkhead.ts";
import { createVirtualTime } from "../virtual-time.ts";
import {
  acquire,
  createBulkhead,
  freeSlotsOf,
  LONG,
  now,
  requestOf,
} from "../../resilience/bulkheads.ts";

describe("a bulkhead that calls wait for", () => {
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
          const bulkhead = createBulkhead({
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
});
