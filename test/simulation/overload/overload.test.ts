/** Overload of the origin: what the slots, their line and their limit do together, in virtual time. */
import { describe, expect, it } from "vitest";
import type { SlotPriority } from "../../../src/core/origin-slots.ts";
import { createWorld, inVirtualTime, type Attempt } from "./model.ts";

const HOUR = 3_600_000;

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const waitsOf = (attempts: readonly Attempt[]) =>
  attempts.flatMap(({ waitedMs }) => (waitedMs === undefined ? [] : [waitedMs]));
const refusalsOf = (attempts: readonly Attempt[]) =>
  attempts.flatMap(({ ended, at, endedAt }) => (ended === "refused" ? [endedAt - at] : []));
const goodIn = (attempts: readonly Attempt[], from: number, to: number) =>
  attempts.filter(({ ended, endedAt }) => ended === "good" && endedAt >= from && endedAt < to);

/** The first second after `from` from which on 95 % of the attempts of each second are good. */
function recoveredAfter(attempts: readonly Attempt[], from: number, to: number): number {
  let recovered = 0;
  for (let second = 0; from + second * 1_000 < to; second++) {
    const begins = from + second * 1_000;
    const begun = attempts.filter(({ at }) => at >= begins && at < begins + 1_000);
    if (begun.filter(({ ended }) => ended === "good").length < 0.95 * begun.length)
      recovered = second + 1;
  }
  return recovered;
}

describe("overload of the origin", { timeout: 60_000 }, () => {
  it.each([
    { workers: 20, serviceMs: 50, settleS: 5 },
    { workers: 20, serviceMs: 400, settleS: 5 },
    { workers: 4, serviceMs: 400, settleS: 15 },
    { workers: 100, serviceMs: 100, settleS: 5 },
  ])(
    "clients that ask for twice what an origin of $workers workers and $serviceMs ms can do get, after $settleS s, 80 % of its capacity, refusals within 50 ms and no slot later than 500 ms",
    async ({ settleS, ...shape }) => {
      const from = settleS * 1_000;
      const seen = await inVirtualTime(async (time) => {
        const world = createWorld(time, shape);
        const capacity = Math.min(world.capacity, (64 / shape.serviceMs) * 1_000);
        await world.send(2 * capacity, from + 10_000, () => world.attempt("read", 2_000));
        return { ...world, capacity };
      });
      const good = goodIn(seen.attempts, from, from + 10_000).length / 10;
      const steady = seen.attempts.filter(({ at }) => at >= from);
      expect(good).toBeGreaterThan(0.8 * seen.capacity);
      expect(percentile(refusalsOf(steady), 0.95)).toBeLessThan(50);
      expect(percentile(waitsOf(seen.attempts), 0.99)).toBeLessThan(500);
    },
  );

  it.each([
    ["hangs", 0.6, 50],
    ["hangs", 0.9, 50],
    ["hangs", 0.6, 300],
    ["is 60 times slower", 0.6, 50],
  ])(
    "an origin that %s for 15 s at %f of its capacity answers 95 % of the clients at most 10 s later, although each client leaves after 2 s and tries 3 times more",
    async (how, share, serviceMs) => {
      const world = await inVirtualTime(async (time) => {
        const running = createWorld(time, { workers: 20, serviceMs });
        const clients = running.send(share * running.capacity, 70_000, () => running.impatient());
        await running.sleep(20_000);
        if (how === "hangs") running.origin.freeze();
        else running.origin.slowdown = 60;
        await running.sleep(15_000);
        running.origin.resume();
        running.origin.slowdown = 1;
        await clients;
        return running;
      });
      expect(recoveredAfter(world.attempts, 5_000, 17_000), "before the hang").toBe(0);
      expect(recoveredAfter(world.attempts, 35_000, 60_000)).toBeLessThanOrEqual(10);
      expect(world.origin.wasted, "queries for clients that had left").toBe(0);
    },
  );

  it("under twice the load, warm and refresh calls are refused before reads, and reads before writes", async () => {
    const world = await inVirtualTime(async (time) => {
      const running = createWorld(time, { workers: 64, serviceMs: 100 });
      const shares = { write: 0.4, read: 0.4, refresh: 0.6, warm: 0.6 } as const;
      await Promise.all(
        (["write", "read", "refresh", "warm"] as const).map((priority) =>
          running.send(shares[priority] * running.capacity, 15_000, () =>
            running.attempt(priority, HOUR),
          ),
        ),
      );
      return running;
    });
    const shareOf = (priority: SlotPriority): number => {
      const all = world.attempts.filter((one) => one.priority === priority);
      return all.filter(({ ended }) => ended === "good").length / all.length;
    };
    expect(shareOf("write")).toBeGreaterThan(0.99);
    expect(shareOf("read")).toBeGreaterThan(0.9);
    expect(shareOf("refresh")).toBeLessThan(0.5);
    expect(shareOf("warm")).toBeLessThan(0.2);
  });
});
