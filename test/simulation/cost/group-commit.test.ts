import { describe, expect, it } from "vitest";
import { groupArrivals, groupInvalidations } from "../../../bench/cost/group-commit.ts";
import { createDice } from "../../../bench/support/dice.ts";
import { GROUP_TICK_MS } from "../../../src/core/log-groups.ts";
import { createGroupCommit } from "../../../src/durable/log-groups.ts";
import { createVirtualTime } from "../virtual-time.ts";

const run = (invalidationsPerSecond: number, objects: number) =>
  groupInvalidations({
    invalidationsPerSecond,
    objects,
    tickMs: GROUP_TICK_MS,
    countedMs: 60_000,
    seed: 3,
  });

describe("invalidations that are numbered together, in the model of cost", () => {
  it("1,000 invalidations a second at one object make a group every 50 ms, of 5 Redis commands each", () => {
    const { redisCommands } = run(1_000, 1);
    expect(redisCommands / 5).toBeGreaterThan(1_195);
    expect(redisCommands / 5).toBeLessThanOrEqual(1_201);
  });

  it("every invalidation is in one group, and waits for at most 50 ms", () => {
    const { heldMs } = run(1_000, 1);
    expect(heldMs.length).toBeGreaterThan(59_000);
    expect(heldMs.length).toBeLessThan(61_000);
    expect(Math.max(...heldMs)).toBeLessThanOrEqual(50 + 1e-6);
    expect(Math.min(...heldMs)).toBeGreaterThanOrEqual(0);
  });

  it("at one invalidation a second, nine in ten do not wait for a group", () => {
    const { heldMs } = run(1, 1);
    expect(heldMs.filter((held) => held === 0).length / heldMs.length).toBeGreaterThan(0.9);
  });

  it("nine objects make more than seven times as many groups as one, for the same invalidations", () => {
    expect(run(1_000, 9).redisCommands).toBeGreaterThan(7 * run(1_000, 1).redisCommands);
  });

  it.each([5, 30, 200, 1_000])(
    "the model and the log object of the product number the same %i invalidations a second with the same groups",
    async (perSecond) => {
      const dice = createDice(7);
      const arrivals: number[] = [];
      for (let at = 0; at < 20_000; at -= Math.log(1 - dice()) * (1_000 / perSecond))
        arrivals.push(at);
      const time = createVirtualTime();
      const sizes: number[] = [];
      const object = createGroupCommit({
        now: time.now,
        sleep: time.sleep,
        async invalidate(logKeys) {
          sizes.push(logKeys.length);
          await time.sleep(30);
          return { seq: sizes.length, era: "e" };
        },
      });
      for (const [i, at] of arrivals.entries())
        time.after(at, () => void object.invalidate([`t:${i}`]));
      await time.run(30_000);
      expect(sizes).toEqual(groupArrivals(arrivals, GROUP_TICK_MS).map((group) => group.length));
    },
  );
});
