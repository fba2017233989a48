import { describe, expect, it } from "vitest";
import { groupInvalidations } from "../../../bench/cost/group-commit.ts";

const run = (invalidationsPerSecond: number, objects: number) =>
  groupInvalidations({
    invalidationsPerSecond,
    objects,
    holdMs: 50,
    countedMs: 60_000,
    seed: 3,
  });

describe("invalidations that are numbered together, in the model of cost", () => {
  it("1,000 invalidations a second at one object make a group about every 51 ms, of 5 Redis commands each", () => {
    // A group lasts 50 ms from its first invalidation, which comes 1 ms after the last group on average.
    const { redisCommands } = run(1_000, 1);
    expect(redisCommands / 5).toBeGreaterThan(1_160);
    expect(redisCommands / 5).toBeLessThan(1_195);
  });

  it("every invalidation is in one group, and is held for at most 50 ms", () => {
    const { heldMs } = run(1_000, 1);
    expect(heldMs.length).toBeGreaterThan(59_000);
    expect(heldMs.length).toBeLessThan(61_000);
    expect(Math.max(...heldMs)).toBeCloseTo(50, 6);
    expect(Math.min(...heldMs)).toBeGreaterThan(0);
  });

  it("nine objects make more than seven times as many groups as one, for the same invalidations", () => {
    expect(run(1_000, 9).redisCommands).toBeGreaterThan(7 * run(1_000, 1).redisCommands);
  });
});
