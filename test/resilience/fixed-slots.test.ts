import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type {
  CreateSlots,
  ReleaseSlot,
  ShedReason,
  SlotPriority,
  Slots,
  SlotsOptions,
} from "../../src/core/origin-slots.ts";
import type { Result } from "../../src/core/result.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createFixedSlots } from "../../src/resilience/fixed-slots.ts";
import { requestOf } from "./bulkheads.ts";

const LONG = 10_000;

const create = (options: Pick<SlotsOptions, "slots"> & Partial<SlotsOptions>): Slots =>
  (createFixedSlots satisfies CreateSlots)({
    random: () => 0,
    now: () => Date.now(),
    withTimeout,
    slotWaitMs: LONG,
    ...options,
  });

async function take(slots: Slots, priority: SlotPriority = "read"): Promise<ReleaseSlot> {
  const taken = await slots.acquire({ ...requestOf(LONG), priority });
  if (!taken.ok) throw new Error(taken.fault.code);
  return taken.value;
}

async function countFree(slots: Slots): Promise<number> {
  let count = 0;
  while ((await slots.acquire(requestOf(0))).ok) count++;
  return count;
}

describe("slots of a fixed number", () => {
  afterEach(() => void vi.useRealTimers());

  it("three slots are given at once, and a fourth call fails with `origin.saturated` and a time to try again", async () => {
    const shed: ShedReason[] = [];
    const slots = create({ slots: 3, onShed: (_, reason) => shed.push(reason) });
    expect(await countFree(slots)).toBe(3);
    expect(await slots.acquire(requestOf(1))).toMatchObject({
      fault: { code: "origin.saturated", retryAfterMs: 1_000 },
    });
    expect(shed).toEqual(["late", "late"]);
  });

  it("released slots go to waiting calls by class, and in a class in the order of arrival", async () => {
    const slots = create({ slots: 1 });
    const release = await take(slots);
    const order: string[] = [];
    const wait = async (name: string, priority: SlotPriority) => {
      const next = await take(slots, priority);
      order.push(name);
      next();
    };
    const all = [
      wait("warm", "warm"),
      wait("read 1", "read"),
      wait("refresh", "refresh"),
      wait("read 2", "read"),
      wait("continued", "continued"),
      wait("write", "write"),
    ];
    release();
    await Promise.all(all);
    expect(order).toEqual(["write", "continued", "read 1", "read 2", "refresh", "warm"]);
    expect(await countFree(slots)).toBe(1);
  });

  it("a read waits at most `slotWait`, and a load of a request that has had a slot waits for its own time", async () => {
    vi.useFakeTimers();
    const slots = create({ slots: 1, slotWaitMs: 450 });
    await take(slots);
    let ended = "";
    const wait = async (priority: SlotPriority) => {
      const { ok } = await slots.acquire({ ...requestOf(2_000), priority });
      ended += `${priority} ${ok}; `;
    };
    const all = [wait("continued"), wait("read")];
    await vi.advanceTimersByTimeAsync(450);
    expect(ended).toBe("read false; ");
    await vi.advanceTimersByTimeAsync(1_550);
    await Promise.all(all);
    expect(ended).toBe("read false; continued false; ");
  });

  it("a slot whose holder never releases it is free again after its hold time, also if the clock is set back", async () => {
    let time = 1_000;
    const slots = create({ slots: 1, now: () => time });
    await slots.acquire(requestOf(LONG, 500));
    expect(await countFree(slots)).toBe(0);
    time += 500;
    const release = await take(slots);
    time -= 10;
    expect(await countFree(slots)).toBe(1);
    release();
    expect(await countFree(slots)).toBe(0);
  });

  it("a waiting call without readers gets no slot, and the next call gets it", async () => {
    const slots = create({ slots: 1 });
    const release = await take(slots);
    const abandoned = slots.acquire({ ...requestOf(LONG), isAbandoned: () => true });
    const next = slots.acquire(requestOf(LONG));
    release();
    expect(await abandoned).toMatchObject({ fault: { code: "origin.abandoned" } });
    expect(await next).toMatchObject({ ok: true });
  });

  it("the 17th call for each slot is refused at once, unless it continues a request", async () => {
    const slots = create({ slots: 1 });
    const release = await take(slots);
    const waiting = Array.from({ length: 16 }, () => slots.acquire(requestOf(LONG)));
    expect(await slots.acquire(requestOf(LONG))).toMatchObject({
      fault: { code: "origin.saturated" },
    });
    const continued = slots.acquire({ ...requestOf(LONG), priority: "continued" });
    release();
    const first = await continued;
    if (!first.ok) throw new Error(first.fault.code);
    first.value();
    for (const one of waiting) {
      const got = await one;
      if (got.ok) got.value();
      expect(got.ok).toBe(true);
    }
  });

  it("no more calls than slots run at the same time, and every slot is free in the end", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom<SlotPriority>("write", "continued", "read", "refresh", "warm"), {
          maxLength: 12,
        }),
        async (count, priorities) => {
          const slots = create({ slots: count });
          let running = 0;
          const calls = priorities.map(async (priority) => {
            const release: Result<ReleaseSlot> = await slots.acquire({
              ...requestOf(LONG),
              priority,
            });
            if (!release.ok) return;
            expect(++running).toBeLessThanOrEqual(count);
            await Promise.resolve();
            running--;
            release.value();
            release.value();
          });
          await Promise.all(calls);
          expect(await countFree(slots)).toBe(count);
        },
      ),
      { numRuns: 50 },
    );
  });
});
